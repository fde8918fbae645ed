#include "kernels/feature.cuh"
#include "kernels/max_pool2d.h"

namespace fermion::kernels {
namespace {

constexpr int threads = 256;

// The pixels of a window, in the order in which they are read; `pixel` and `row`: numbers from one to the
// next.
template <class T>
struct Window {
  const T* first;
  std::int64_t pixel, row;

  // The largest value, and in `winner` which of the four pixels has it.
  template <int N>
  __device__ Floats<N> largest(const ChannelNorm<N>& norm, int (&winner)[N]) const {
    Floats<N> best = norm.value(load<N>(first));
#pragma unroll
    for (int i = 0; i < N; ++i) winner[i] = 0;
#pragma unroll
    for (int p = 1; p < 4; ++p) {
      const Floats<N> value = norm.value(load<N>(first + p / 2 * row + p % 2 * pixel));
#pragma unroll
      for (int i = 0; i < N; ++i) {
        // A NaN wins against numbers, and stays.
        const bool wins = !(value[i] <= best[i]) && !isnan(best[i]);
        best[i] = wins ? value[i] : best[i];
        winner[i] = wins ? p : winner[i];
      }
    }
    return best;
  }
};

// The window of x at (i, j) of one image, from channel c.
template <class T>
__device__ Window<T> window(const ImageDims& dims, const T* x, std::int64_t image, std::int64_t i,
                            std::int64_t j, std::int64_t c) {
  return {x + ((image * dims.H + 2 * i) * dims.W + 2 * j) * dims.C + c, dims.C, dims.W * dims.C};
}

// One thread makes N channels of one pixel of y.
template <int N, class T>
__global__ void __launch_bounds__(threads) pool(ImageDims dims, std::int64_t vectors, Feature<T> x, T* y) {
  const std::int64_t vector = static_cast<std::int64_t>(blockIdx.x) * threads + threadIdx.x;
  if (vector >= vectors) return;
  const std::int64_t at = vector * N, c = at % dims.C, pixel = at / dims.C;
  const std::int64_t H = dims.H / 2, W = dims.W / 2, image = pixel / (H * W);
  const ChannelNorm<N> norm(x.norm, image / dims.N * dims.C + c);
  int winner[N];
  store(y + at, window(dims, x.y, image, pixel / W % H, pixel % W, c).largest(norm, winner));
}

// dy where a pixel won its window, elsewhere 0.
template <class T>
struct Won {
  ImageDims dims;
  const T *x, *dy;

  template <int N>
  __device__ Floats<N> operator()(std::int64_t pixel, std::int64_t c, const ChannelNorm<N>& norm) const {
    const std::int64_t w = pixel % dims.W, h = pixel / dims.W % dims.H, image = pixel / (dims.H * dims.W);
    const std::int64_t H = dims.H / 2, W = dims.W / 2, i = h / 2, j = w / 2;
    Floats<N> d{};
    if (i == H || j == W) return d;
    int winner[N];
    window(dims, x, image, i, j, c).largest(norm, winner);
    const Floats<N> of_window = load<N>(dy + ((image * H + i) * W + j) * dims.C + c);
    const int p = static_cast<int>(h % 2 * 2 + w % 2);
#pragma unroll
    for (int n = 0; n < N; ++n) d[n] = winner[n] == p ? of_window[n] : 0.0f;
    return d;
  }
};

}  // namespace

template <class T>
void max_pool2d_forward(Cuda ctx, const ImageDims& dims, Feature<T> x, T* y) {
  with_vectors<T>(dims.C, [&](auto vector) {
    constexpr int N = vector();
    const std::int64_t vectors = dims.K * dims.N * (dims.H / 2) * (dims.W / 2) * dims.C / N;
    launch(ctx, pool<N, T>, {blocks_for(vectors, threads)}, threads, 0, dims, vectors, x, y);
  });
}

template <class T>
void max_pool2d_backward(Cuda ctx, const ImageDims& dims, Feature<T> x, const T* dy, FeatureGradient<T> dx) {
  feature_backward(ctx, dims, x, dx, Won<T>{dims, x.y, dy});
}

template void max_pool2d_forward(Cuda, const ImageDims&, Feature<float>, float*);
template void max_pool2d_forward(Cuda, const ImageDims&, Feature<bf16>, bf16*);
template void max_pool2d_backward(Cuda, const ImageDims&, Feature<float>, const float*,
                                  FeatureGradient<float>);
template void max_pool2d_backward(Cuda, const ImageDims&, Feature<bf16>, const bf16*, FeatureGradient<bf16>);

}  // namespace fermion::kernels
