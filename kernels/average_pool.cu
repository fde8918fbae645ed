#include "kernels/average_pool.h"
#include "kernels/divisor.h"
#include "kernels/feature.cuh"

namespace fermion::kernels {
namespace {

constexpr int cells_per_block = 4;

// A warp makes 64 bytes of channels of one cell, threadIdx.x, so that it loads a norm but once for several
// pixels, threadIdx.y. blockIdx.x and threadIdx.z: cells; blockIdx.y: vectors.
template <int N, class T>
__global__ void __launch_bounds__(32 * cells_per_block) pool(AveragePool dims, Feature<T> x, T* y) {
  const std::int64_t H = dims.x.H, W = dims.x.W, C = dims.x.C, G = dims.grid;
  const std::int64_t cell = std::int64_t{blockIdx.x} * cells_per_block + threadIdx.z, image = cell / (G * G);
  if (image >= dims.x.K * dims.x.N) return;  // the whole warp
  const int h = static_cast<int>(H / G), w = static_cast<int>(W / G);
  const std::int64_t c = (std::int64_t{blockIdx.y} * blockDim.x + threadIdx.x) * N;
  Floats<N> sum{};
  if (c < C) {
    const ChannelNorm<N> norm(x.norm, image / dims.x.N * C + c);
    const T* first = x.y + ((image * H + cell / G % G * h) * W + cell % G * w) * C + c;
    for (int p = static_cast<int>(threadIdx.y); p < h * w; p += static_cast<int>(blockDim.y)) {
      const Floats<N> value = norm.value(load<N>(first + (p / w * W + p % w) * C));
#pragma unroll
      for (int i = 0; i < N; ++i) sum[i] += value[i];
    }
  }
  for (unsigned row = blockDim.x; row < 32; row *= 2)
#pragma unroll
    for (int i = 0; i < N; ++i) sum[i] += __shfl_xor_sync(~0u, sum[i], row);
  if (threadIdx.y != 0 || c >= C) return;
  const float share = 1.0f / static_cast<float>(h * w);
#pragma unroll
  for (int i = 0; i < N; ++i) sum[i] *= share;
  store(y + cell * C + c, sum);
}

// A cell's dy, shared among its pixels.
template <class T>
struct Shared {
  static constexpr int batch = 2;
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
  const std::int64_t cells = dims.x.K * dims.x.N * dims.grid * dims.grid;
  with_vectors<T>(dims.x.C, [&](auto vector) {
    constexpr int N = vector();
    const unsigned width = lanes_of_channels<T>(dims.x.C, N);
    launch(ctx, pool<N, T>, {blocks_for(cells, cells_per_block), blocks_for(dims.x.C / N, width)},
           dim3(width, 32 / width, cells_per_block), 0, dims, x, y);
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
