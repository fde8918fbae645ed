// What orders accesses to memory, and what only seems to: fences and strong accesses, by PTX's memory
// consistency model. A name that begins with "ok_" is of a legal kernel, another of one with a race. run.sh
// runs each.
#include "orders/cluster_flag.h"
#include "orders/hand_over.h"
#include "orders/last_block.h"
#include "orders/look_back.h"
#include "orders/shared_flags.h"

int main(int argc, char** argv) {
  if (argc > 1) g_name = argv[1];
  int* a = to_device(std::vector<int>(blocks * threads));
  int* b = to_device(std::vector<int>(threads));
  int* c = to_device(std::vector<int>(threads));
  last_blocks(a, b, c);
  hand_over(a, b, c);
  look_backs(a, b, c);
  shared_flags(a, b);
  cluster_flags(a, b);
  CK(cudaDeviceSynchronize());
  return finish();
}
