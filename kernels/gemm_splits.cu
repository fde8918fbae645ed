#include "kernels/gemm.cuh"

namespace fermion::kernels {
namespace {

constexpr int threads = 128;

// One thread adds up one number.
__global__ void __launch_bounds__(threads)
    add(std::int64_t splits, std::int64_t size, const float* partials, Gradient<float> sum) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * threads + threadIdx.x, k = blockIdx.z;
  if (i >= size) return;
  const float* partial = partials + k * splits * size + i;
  float total = 0;
#pragma unroll 8
  for (std::int64_t split = 0; split < splits; ++split) total += partial[split * size];
  put(sum.data + k * size + i, Floats<1>{total}, sum.write);
}

}  // namespace

void add_splits(Cuda ctx, std::int64_t K, std::int64_t splits, std::int64_t size, const float* partials,
                Gradient<float> sum) {
  launch(ctx, add, {blocks_for(size, threads), 1, K}, threads, 0, splits, size, partials, sum);
}

}  // namespace fermion::kernels
