// The CUDA form of a feature (kernels/feature.h): what every reader does on load, and the loop that every
// reader's backward shares. A reader's forward and backward see the same bits of value(x), so that a mask or
// a maximum is decided alike in both.
#pragma once

#include "kernels/feature.h"
#include "kernels/launch.cuh"
#include "kernels/vec.cuh"

namespace fermion::kernels {

// The norm of N channels, in registers; the identity where there is none.
template <int N>
class ChannelNorm {
 public:
  ChannelNorm() = default;

  // channel: k C + c of the first one, a multiple of N.
  __device__ ChannelNorm(const Norm& norm, std::int64_t channel) : relu_(norm && norm.relu) {
    if (norm) {
      gain_ = load<N>(norm.gain + channel);
      shift_ = load<N>(norm.shift + channel);
      mean_ = load<N>(norm.mean + channel);
      inv_std_ = load<N>(norm.inv_std + channel);
      return;
    }
#pragma unroll
    for (int i = 0; i < N; ++i) {
      gain_[i] = inv_std_[i] = 1;
      shift_[i] = mean_[i] = 0;
    }
  }

  __device__ float x_hat(float y, int i) const {
    return (y - mean_[i]) * inv_std_[i];
  }

  // NaN travels: relu(z) = z < 0 ? 0 : z.
  __device__ float value(float y, int i) const {
    const float z = fmaf(x_hat(y, i), gain_[i], shift_[i]);
    return relu_ && z < 0 ? 0.0f : z;
  }
  __device__ Floats<N> value(Floats<N> y) const {
#pragma unroll
    for (int i = 0; i < N; ++i) y[i] = value(y[i], i);
    return y;
  }

  // da from d, the gradient of value(x).
  __device__ float mask(float x_hat, float d, int i) const {
    return relu_ && fmaf(x_hat, gain_[i], shift_[i]) <= 0 ? 0.0f : d;
  }

 private:
  Floats<N> gain_, shift_, mean_, inv_std_;
  bool relu_;
};

// A reader's backward: d(pixel, c) gives the gradient of value(x) by N channels from c of pixel
// (k, n, h, w), counted over all weight sets; da and its two sums are formed here.
//
// One block takes `chunk` pixels of one weight set and up to 32 vectors of channels: threadIdx.x walks the
// vectors, threadIdx.y the pixels. Its sums over the pixels, added in a fixed order, go to its row of
// partials [K, chunks, 2, C].
struct FeatureBackward {
  std::int64_t pixels, C;  // of one weight set
  std::int64_t chunk;
  float* partials;  // null without a norm
};

inline constexpr int feature_threads = 256;

template <int N, class T, class D>
__global__ void __launch_bounds__(feature_threads, 2)
    feature_backward_kernel(FeatureBackward dims, Feature<T> x, FeatureGradient<T> dx, D d) {
  const std::int64_t k = blockIdx.z, first = blockIdx.x * dims.chunk;
  const std::int64_t last = min(first + dims.chunk, dims.pixels);
  const std::int64_t c = (static_cast<std::int64_t>(blockIdx.y) * blockDim.x + threadIdx.x) * N;
  Floats<N> sum_da{}, sum_da_x_hat{};
  if (c < dims.C) {
    const ChannelNorm<N> norm(x.norm, k * dims.C + c);
    for (std::int64_t p = first + threadIdx.y; p < last; p += blockDim.y) {
      const std::int64_t pixel = k * dims.pixels + p, at = pixel * dims.C + c;
      const Floats<N> y = load<N>(x.y + at);
      Floats<N> da = d(pixel, c, norm);
#pragma unroll
      for (int i = 0; i < N; ++i) {
        const float x_hat = norm.x_hat(y[i], i);
        // What is summed is what is stored.
        da[i] = to_float(from_float<T>(norm.mask(x_hat, da[i], i)));
        sum_da[i] += da[i];
        sum_da_x_hat[i] = fmaf(da[i], x_hat, sum_da_x_hat[i]);
      }
      put(dx.da.data + at, da, dx.da.write);
    }
  }
  if (!dims.partials) return;
  __shared__ float sums[2 * N][feature_threads];
  const int lane = threadIdx.y * blockDim.x + threadIdx.x;
#pragma unroll
  for (int i = 0; i < N; ++i) {
    sums[i][lane] = sum_da[i];
    sums[N + i][lane] = sum_da_x_hat[i];
  }
  __syncthreads();
  if (threadIdx.y != 0 || c >= dims.C) return;
  float* row = dims.partials + (k * gridDim.x + blockIdx.x) * 2 * dims.C;
#pragma unroll
  for (int i = 0; i < N; ++i) {
    float da = 0, da_x_hat = 0;
    for (int y = 0; y < static_cast<int>(blockDim.y); ++y) {
      da += sums[i][y * blockDim.x + threadIdx.x];
      da_x_hat += sums[N + i][y * blockDim.x + threadIdx.x];
    }
    row[c + i] = da;
    row[dims.C + c + i] = da_x_hat;
  }
}

// Adds up the chunks' rows, in f64, one thread per k and channel.
void add_feature_sums(Cuda ctx, std::int64_t K, std::int64_t chunks, std::int64_t C, const float* partials,
                      float* sum_da, float* sum_da_x_hat);

// d: a functor of the device, Floats<N> d(pixel, c, const ChannelNorm<N>& of these channels).
template <class T, class D>
void feature_backward(Cuda ctx, const ImageDims& dims, Feature<T> x, FeatureGradient<T> dx, const D& d) {
  const std::int64_t pixels = dims.N * dims.H * dims.W;
  with_vectors<T>(dims.C, [&](auto vector) {
    constexpr int N = vector();
    const std::int64_t vectors = dims.C / N;
    unsigned width = 1;
    while (width < 32 && width < vectors) width *= 2;
    const dim3 block(width, feature_threads / width);
    // Some ten pixels a thread; a sum in f32 runs over at most 4,096.
    const std::int64_t chunk = std::int64_t{16} * block.y;
    const Grid grid{blocks_for(pixels, chunk), blocks_for(vectors, width), dims.K};
    float* partials = dx.sum_da ? ctx.workspace.take<float>(dims.K * grid.x * 2 * dims.C) : nullptr;
    launch(ctx, feature_backward_kernel<N, T, D>, grid, block, 0,
           FeatureBackward{pixels, dims.C, chunk, partials}, x, dx, d);
    if (partials) add_feature_sums(ctx, dims.K, grid.x, dims.C, partials, dx.sum_da, dx.sum_da_x_hat);
  });
}

// d where the gradient of value(x) lies in memory, [pixels, C].
template <class T>
struct StoredGradient {
  const T* gradient;
  std::int64_t C;

  template <int N>
  __device__ Floats<N> operator()(std::int64_t pixel, std::int64_t c, const ChannelNorm<N>&) const {
    return load<N>(gradient + pixel * C + c);
  }
};

}  // namespace fermion::kernels
