#include "kernels/channel_blocks.cuh"
#include "kernels/channel_statistics.h"
#include "kernels/row_sums.cuh"
#include "kernels/vec.cuh"

namespace fermion::kernels {
namespace {

// Leaves the sums over threadIdx.y in the first blockDim.x numbers of `shared`, written by the threads that
// have threadIdx.y = 0; halves are added until one is left.
template <int N>
__device__ void sum_over_pixels(const Floats<N>& sum, float (&shared)[N][channel_threads]) {
  const int lane = threadIdx.y * blockDim.x + threadIdx.x;
#pragma unroll
  for (int i = 0; i < N; ++i) shared[i][lane] = sum[i];
  for (int half = channel_threads / 2; half >= static_cast<int>(blockDim.x); half /= 2) {
    __syncthreads();
    if (lane < half)
#pragma unroll
      for (int i = 0; i < N; ++i) shared[i][lane] += shared[i][lane + half];
  }
}

// Mean and sum of squared deviations from it, of each chunk: partials [K, chunks, 2, C].
template <int N, class T>
__global__ void __launch_bounds__(channel_threads)
    describe_chunks(ChannelChunks dims, const T* y, float* partials) {
  __shared__ float shared[N][channel_threads];
  const std::int64_t C = dims.C, c = dims.channel<N>();
  const std::int64_t pixels = min(dims.chunk, dims.items - blockIdx.y * dims.chunk);
  const auto for_each_pixel = [&](const auto& body) {
    if (c < C)
      dims.for_each<4>([&](std::int64_t pixel) { return stored<N>(y + pixel * C + c); },
                       [&](std::int64_t, const Vec<T, N>& of) { body(floats(of)); });
  };
  Floats<N> sum{}, m2{};
  for_each_pixel([&](Floats<N> values) {
#pragma unroll
    for (int i = 0; i < N; ++i) sum[i] += values[i];
  });
  sum_over_pixels(sum, shared);
  __syncthreads();
  Floats<N> mean;
#pragma unroll
  for (int i = 0; i < N; ++i) mean[i] = shared[i][threadIdx.x] / static_cast<float>(pixels);
  for_each_pixel([&](Floats<N> values) {
#pragma unroll
    for (int i = 0; i < N; ++i) m2[i] = fmaf(values[i] - mean[i], values[i] - mean[i], m2[i]);
  });
  __syncthreads();
  sum_over_pixels(m2, shared);
  if (threadIdx.y != 0 || c >= C) return;
  float* row = partials + (blockIdx.z * gridDim.y + blockIdx.y) * 2 * C + c;
#pragma unroll
  for (int i = 0; i < N; ++i) {
    row[i] = mean[i];
    row[C + i] = shared[i][threadIdx.x];
  }
}

// Merges the chunks (Chan, Golub, LeVeque 1979).
__global__ void merge_chunks(std::int64_t pixels, std::int64_t C, std::int64_t chunk, std::int64_t chunks,
                             const float* partials, float* mean, float* inv_std) {
  const std::int64_t k = blockIdx.z, c = row_channel();
  const auto for_each_chunk = [&](const auto& body) {
    if (c >= C) return;
#pragma unroll 4
    for (std::int64_t i = threadIdx.y; i < chunks; i += row_threads) {
      const float* row = partials + (k * chunks + i) * 2 * C + c;
      body(static_cast<double>(min(chunk, pixels - i * chunk)), row[0], row[C]);
    }
  };
  double sum = 0, m2 = 0;
  for_each_chunk([&](double count, double mean_of_chunk, double) { sum += count * mean_of_chunk; });
  const double centre = sum_rows(sum) / static_cast<double>(pixels);
  for_each_chunk([&](double count, double mean_of_chunk, double m2_of_chunk) {
    m2 += m2_of_chunk + count * (mean_of_chunk - centre) * (mean_of_chunk - centre);
  });
  __syncthreads();
  m2 = sum_rows(m2);
  if (threadIdx.y != 0 || c >= C) return;
  mean[k * C + c] = static_cast<float>(centre);
  inv_std[k * C + c] = static_cast<float>(1 / sqrt(m2 / static_cast<double>(pixels) + 1e-5));
}

}  // namespace

template <class T>
void channel_statistics(Cuda ctx, std::int64_t K, std::int64_t pixels, std::int64_t C, const T* y,
                        float* mean, float* inv_std) {
  with_vectors<T>(C, [&](auto vector) {
    constexpr int N = vector();
    const ChannelBlocks blocks = channel_blocks<T>(ctx, K, pixels, C, N);
    float* partials = ctx.workspace.take<float>(K * blocks.grid.y * 2 * C);
    launch(ctx, describe_chunks<N, T>, blocks.grid, blocks.block, 0, blocks, y, partials);
    launch(ctx, merge_chunks, {blocks_for(C, row_channels), 1, K}, dim3(row_channels, row_threads), 0, pixels,
           C, blocks.chunk, blocks.grid.y, partials, mean, inv_std);
  });
}

template void channel_statistics(Cuda, std::int64_t, std::int64_t, std::int64_t, const float*, float*,
                                 float*);
template void channel_statistics(Cuda, std::int64_t, std::int64_t, std::int64_t, const bf16*, float*, float*);

}  // namespace fermion::kernels
