#include "kernels/gemm.cuh"

namespace fermion::kernels {
namespace {

// A block adds up `Numbers` numbers, `Parts` threads one: each every Parts-th split, and the first of them
// all parts, in their order.
template <int Numbers, int Parts>
__global__ void __launch_bounds__(Numbers* Parts)
    add(std::int64_t splits, std::int64_t size, const float* partials, Gradient<float> sum) {
  __shared__ float totals[Parts][Numbers];
  const int number = threadIdx.x % Numbers, part = threadIdx.x / Numbers;
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * Numbers + number, k = blockIdx.z;
  const float* partial = partials + k * splits * size + i;
  float total = 0;
  if (i < size)
#pragma unroll 8
    for (std::int64_t split = part; split < splits; split += Parts) total += partial[split * size];
  totals[part][number] = total;
  __syncthreads();
  if (part != 0 || i >= size) return;
  for (int p = 1; p < Parts; ++p) total += totals[p][number];
  put(sum.data + k * size + i, Floats<1>{total}, sum.write);
}

}  // namespace

void add_splits(Cuda ctx, std::int64_t K, std::int64_t splits, std::int64_t size, const float* partials,
                Gradient<float> sum) {
  // Where there are many splits, one thread would wait for memory all too often.
  const auto run = [&](auto kernel, int numbers, int parts) {
    launch(ctx, kernel, {blocks_for(size, numbers), 1, K}, numbers * parts, 0, splits, size, partials, sum);
  };
  splits < 16 ? run(add<128, 1>, 128, 1) : run(add<32, 8>, 32, 8);
}

}  // namespace fermion::kernels
