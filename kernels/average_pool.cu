#include <algorithm>

#include "kernels/average_pool.h"
#include "kernels/divisor.h"
#include "kernels/feature.cuh"

namespace fermion::kernels {
namespace {

constexpr int threads = 256;

// One block makes up to 32 vectors of channels of one cell: threadIdx.x walks the vectors, threadIdx.y the
// cell's pixels, whose sums are added in order.
template <int N, class T>
__global__ void __launch_bounds__(threads) pool(AveragePool dims, Feature<T> x, T* y) {
  const std::int64_t H = dims.x.H, W = dims.x.W, C = dims.x.C, G = dims.grid, h = H / G, w = W / G;
  const std::int64_t cell = blockIdx.x, image = cell / (G * G);
  const std::int64_t c = (static_cast<std::int64_t>(blockIdx.y) * blockDim.x + threadIdx.x) * N;
  Floats<N> sum{};
  if (c < C) {
    const ChannelNorm<N> norm(x.norm, image / dims.x.N * C + c);
    const T* first = x.y + ((image * H + cell / G % G * h) * W + cell % G * w) * C + c;
    for (std::int64_t p = threadIdx.y; p < h * w; p += blockDim.y) {
      const Floats<N> value = norm.value(load<N>(first + (p / w * W + p % w) * C));
#pragma unroll
      for (int i = 0; i < N; ++i) sum[i] += value[i];
    }
  }
  __shared__ float sums[N][threads];
#pragma unroll
  for (int i = 0; i < N; ++i) sums[i][threadIdx.y * blockDim.x + threadIdx.x] = sum[i];
  __syncthreads();
  if (threadIdx.y != 0 || c >= C) return;
  const float share = 1.0f / static_cast<float>(h * w);
#pragma unroll
  for (int i = 0; i < N; ++i) {
    for (int p = 1; p < static_cast<int>(blockDim.y); ++p) sum[i] += sums[i][p * blockDim.x + threadIdx.x];
    sum[i] *= share;
  }
  store(y + cell * C + c, sum);
}

// A cell's dy, shared among its pixels.
template <class T>
struct Shared {
  AveragePool dims;
  const T* dy;
  Divisor by_W, by_H, by_h, by_w;

  Shared(const AveragePool& dims, const T* dy)
      : dims(dims),
        dy(dy),
        by_W(dims.x.W),
        by_H(dims.x.H),
        by_h(dims.x.H / dims.grid),
        by_w(dims.x.W / dims.grid) {}

  template <int N>
  __device__ Floats<N> operator()(std::int64_t pixel, std::int64_t c, const ChannelNorm<N>&) const {
    const std::int64_t G = dims.grid, line = by_W.quotient(pixel);
    const std::int64_t cell = (by_H.quotient(line) * G + by_h.quotient(by_H.remainder(line))) * G +
                              by_w.quotient(by_W.remainder(pixel));
    const float share = 1.0f / static_cast<float>(dims.x.H / G * (dims.x.W / G));
    Floats<N> d = load<N>(dy + cell * dims.x.C + c);
#pragma unroll
    for (int i = 0; i < N; ++i) d[i] *= share;
    return d;
  }
};

}  // namespace

template <class T>
void average_pool_forward(Cuda ctx, const AveragePool& dims, Feature<T> x, T* y) {
  const std::int64_t C = dims.x.C, G = dims.grid, pixels = dims.x.H / G * (dims.x.W / G);
  with_vectors<T>(C, [&](auto vector) {
    constexpr int N = vector();
    const std::int64_t width = std::clamp<std::int64_t>(C / N, 1, 32);
    const dim3 block(static_cast<unsigned>(width), static_cast<unsigned>(std::min(threads / width, pixels)));
    launch(ctx, pool<N, T>, {dims.x.K * dims.x.N * G * G, blocks_for(C / N, width)}, block, 0, dims, x, y);
  });
}

template <class T>
void average_pool_backward(Cuda ctx, const AveragePool& dims, Feature<T> x, const T* dy,
                           FeatureGradient<T> dx) {
  feature_backward(ctx, dims.x, x, dx, Shared<T>(dims, dy));
}

template void average_pool_forward(Cuda, const AveragePool&, Feature<float>, float*);
template void average_pool_forward(Cuda, const AveragePool&, Feature<bf16>, bf16*);
template void average_pool_backward(Cuda, const AveragePool&, Feature<float>, const float*,
                                    FeatureGradient<float>);
template void average_pool_backward(Cuda, const AveragePool&, Feature<bf16>, const bf16*,
                                    FeatureGradient<bf16>);

}  // namespace fermion::kernels
