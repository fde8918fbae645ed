// Planted bugs, one per name, and legal programs (ok_...). run.sh runs each and looks for its report.
#include "checks/async_copies.h"
#include "checks/barriers.h"
#include "checks/global_races.h"
#include "checks/launches.h"
#include "checks/memory.h"
#include "checks/shared_races.h"
#include "checks/warp_operations.h"

// 0: one device; 5: none, and the runtime says so; 1: anything else.
static int device() {
  int count = -1;
  if (cudaGetDeviceCount(&count) == cudaSuccess) return count == 1 ? 0 : 1;
  return count == 0 && cudaSetDevice(0) == cudaErrorNoDevice ? 5 : 1;
}

int main(int argc, char** argv) {
  if (argc > 1) g_name = argv[1];
  if (is("device")) return device();
  float *f, *g;  // 64 zeros; 64 that are never written
  int* i;        // 64 zeros
  CK(cudaMalloc(&f, 256));
  CK(cudaMalloc(&g, 256));
  CK(cudaMalloc(&i, 256));
  CK(cudaMemset(i, 0, 256));
  CK(cudaMemset(f, 0, 256));
  memory(f, g, i);
  host_memory(f, g);
  shared_races(f, i);
  global_races(f, g, i);
  barriers(f, g, i);
  warp_operations(f, i);
  async_copies(f, g);
  refused_launches(f);
  ended_launches(i);
  cudaDeviceSynchronize();
  print("last error", cudaGetLastError());
  return exit_status();
}
