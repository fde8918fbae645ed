// The sum of 256 numbers, by halves. A barrier is missing in the loop.
#include <cstdio>
#include <cuda_runtime.h>

__global__ void sum(const float* x, float* total) {
  __shared__ float part[256];
  const int i = threadIdx.x;
  part[i] = x[i];
  __syncthreads();
  for (int half = 128; half > 0; half /= 2)
    if (i < half) part[i] += part[i + half];
  if (i == 0) *total = part[0];
}

int main() {
  float x[256], *device, *total, result = 0;
  for (float& value : x) value = 1;
  cudaMalloc(&device, sizeof x);
  cudaMalloc(&total, sizeof *total);
  cudaMemcpy(device, x, sizeof x, cudaMemcpyHostToDevice);
  sum<<<1, 256>>>(device, total);
  cudaMemcpy(&result, total, sizeof result, cudaMemcpyDeviceToHost);
  std::printf("sum %g, expected 256\n", result);
}
