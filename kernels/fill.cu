#include "kernels/fill.h"
#include "kernels/launch.cuh"

namespace fermion::kernels {
namespace {

constexpr int threads = 256;

__global__ void write(std::int64_t count, float value, float* y) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * threads + threadIdx.x;
  if (i < count) y[i] = value;
}

}  // namespace

void fill(Cuda ctx, std::int64_t count, float value, float* y) {
  launch(ctx, write, {blocks_for(count, threads)}, threads, 0, count, value, y);
}

}  // namespace fermion::kernels
