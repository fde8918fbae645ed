// The CUDA form of a feature (kernels/feature.h): what every reader does on load, and the loop that every
// reader's backward shares. A reader's forward and backward see the same bits of value(x), so that a mask or
// a maximum is decided alike in both.
#pragma once

#include "kernels/channel_blocks.cuh"
#include "kernels/feature.h"
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

// How a reader's backward cuts its work. A block's sums of da, added in a fixed order, go to its row of
// partials [K, chunks, 2, C].
struct FeatureBackward : ChannelChunks {
  float* partials;  // null without a norm
};

// The thread's sums of da and of da x_hat.
template <int N>
class FeatureSums {
 public:
  // Forms da from d, the gradient of value(x), by N channels of a pixel, and writes or adds it to `to`.
  template <class T>
  __device__ void take(const ChannelNorm<N>& norm, const Floats<N>& y, Floats<N> d, T* to, Write write) {
#pragma unroll
    for (int i = 0; i < N; ++i) {
      const float x_hat = norm.x_hat(y[i], i);
      // What is summed is what is stored.
      d[i] = to_float(from_float<T>(norm.mask(x_hat, d[i], i)));
      da_[i] += d[i];
      da_x_hat_[i] = fmaf(d[i], x_hat, da_x_hat_[i]);
    }
    put(to, d, write);
  }

  // Leaves the block's sums in its row.
  __device__ void leave(const FeatureBackward& dims) const {
    if (!dims.partials) return;
    // [da, da x_hat][channels of a vector][items][vectors], with a gap after each channel: no bank is met
    // twice.
    __shared__ float sums[2 * N * (channel_threads + 32 / N)];
    const int width = static_cast<int>(blockDim.x), gap = channel_threads + width;
    const int lane = static_cast<int>(threadIdx.y) * width + static_cast<int>(threadIdx.x);
#pragma unroll
    for (int i = 0; i < N; ++i) {
      sums[i * gap + lane] = da_[i];
      sums[(N + i) * gap + lane] = da_x_hat_[i];
    }
    __syncthreads();
    float* row = dims.partials + (std::int64_t{blockIdx.z} * gridDim.y + blockIdx.y) * 2 * dims.C;
    for (int column = lane; column < 2 * N * width; column += channel_threads) {
      const int i = column / width, x = column % width;
      const std::int64_t channel = (std::int64_t{blockIdx.x} * width + x) * N + i % N;
      if (channel >= dims.C) continue;
      float sum = 0;
      for (int y = 0; y < static_cast<int>(blockDim.y); ++y) sum += sums[i * gap + y * width + x];
      row[i / N * dims.C + channel] = sum;
    }
  }

 private:
  Floats<N> da_{}, da_x_hat_{};
};

// d(pixel, c, norm) gives the gradient of value(x) by N channels from c of pixel (k, n, h, w), counted over
// all weight sets; D::batch: pixels whose numbers are loaded at once.
template <int N, class T, class D>
__global__ void __launch_bounds__(channel_threads, 2)
    feature_backward_kernel(FeatureBackward dims, Feature<T> x, FeatureGradient<T> dx, D d) {
  const std::int64_t c = dims.channel<N>();
  FeatureSums<N> sums;
  if (c < dims.C) {
    const ChannelNorm<N> norm(x.norm, blockIdx.z * dims.C + c);
    struct Loaded {
      Vec<T, N> y;
      Floats<N> d;
    };
    dims.for_each<D::batch>(
        [&](std::int64_t pixel) {
          // Without a norm there is no mask and no sum, so no need of y.
          return Loaded{x.norm ? stored<N>(x.y + pixel * dims.C + c) : Vec<T, N>{}, d(pixel, c, norm)};
        },
        [&](std::int64_t pixel, const Loaded& of) {
          sums.take(norm, floats(of.y), of.d, dx.da.data + pixel * dims.C + c, dx.da.write);
        });
  }
  sums.leave(dims);
}

// Adds up the chunks' rows, in f64, one thread per k and channel.
void add_feature_sums(Cuda ctx, std::int64_t K, std::int64_t chunks, std::int64_t C, const float* partials,
                      float* sum_da, float* sum_da_x_hat);

// Launches kernel(N)(FeatureBackward, args...), a reader's backward over K times `items` by Most channels at
// a time, and adds up its sums.
template <class T, int Most = widest<T>, class Kernel, class... Args>
void launch_backward(Cuda ctx, std::int64_t K, std::int64_t items, std::int64_t C,
                     const FeatureGradient<T>& dx, const Kernel& kernel, const Args&... args) {
  const auto run = [&](auto vector) {
    const ChannelBlocks blocks = channel_blocks<T>(ctx, K, items, C, vector());
    const std::int64_t chunks = blocks.grid.y;
    float* partials = dx.sum_da ? ctx.workspace.take<float>(K * chunks * 2 * C) : nullptr;
    launch(ctx, kernel(vector), blocks.grid, blocks.block, 0, FeatureBackward{blocks, partials}, args...);
    if (partials) add_feature_sums(ctx, K, chunks, C, partials, dx.sum_da, dx.sum_da_x_hat);
  };
  C % Most == 0 ? run(std::integral_constant<int, Most>{}) : run(std::integral_constant<int, 1>{});
}

// d: a functor of the device, Floats<N> d(pixel, c, const ChannelNorm<N>& of these channels).
template <class T, class D>
void feature_backward(Cuda ctx, const ImageDims& dims, Feature<T> x, FeatureGradient<T> dx, const D& d) {
  launch_backward(
      ctx, dims.K, dims.N * dims.H * dims.W, dims.C, dx,
      [](auto vector) { return feature_backward_kernel<vector(), T, D>; }, x, dx, d);
}

// d where the gradient of value(x) lies in memory, [pixels, C].
template <class T>
struct StoredGradient {
  static constexpr int batch = 2;
  const T* gradient;
  std::int64_t C;

  template <int N>
  __device__ Floats<N> operator()(std::int64_t pixel, std::int64_t c, const ChannelNorm<N>&) const {
    return load<N>(gradient + pixel * C + c);
  }
};

}  // namespace fermion::kernels
