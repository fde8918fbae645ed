// Under late streams: are the places of reports those where the program calls the runtime, even where
// functions of the toolkit lie between?
#include "test.h"

__global__ void set(int* p, int v) {
  p[threadIdx.x] = v;
}

int main(int, char** argv) {
  cudaStream_t s, t;
  int* p;
  CK(cudaStreamCreate(&s));
  CK(cudaStreamCreate(&t));
  CK(cudaMallocAsync(&p, 4096, s));  // allocated
  if (atoi(argv[1]) == 1)
    set<<<1, 32, 0, t>>>(p, 1);  // launched 1
  else
    set<<<1, 32, 0, t>>>(p, 2);  // launched 2
  CK(cudaDeviceSynchronize());
  return g_failed;
}
