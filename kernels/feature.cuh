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

// How a reader's backward cuts its work: one block takes `chunk` items, pixels mostly, of one weight set and
// up to 32 vectors of channels: threadIdx.x walks the vectors, threadIdx.y the items. The sums of da over
// them, added in a fixed order, go to the block's row of partials [K, chunks, 2, C].
struct FeatureBackward {
  std::int64_t items, C;  // of one weight set
  std::int64_t chunk;
  float* partials;  // null without a norm
};

inline constexpr int feature_threads = 256;

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

  // Leaves the block's sums in its row; c: the first of the thread's channels.
  __device__ void leave(const FeatureBackward& dims, std::int64_t c) const {
    if (!dims.partials) return;
    __shared__ float sums[2 * N][feature_threads];
    const int lane = threadIdx.y * blockDim.x + threadIdx.x;
#pragma unroll
    for (int i = 0; i < N; ++i) {
      sums[i][lane] = da_[i];
      sums[N + i][lane] = da_x_hat_[i];
    }
    __syncthreads();
    if (threadIdx.y != 0 || c >= dims.C) return;
    float* row = dims.partials + (std::int64_t{blockIdx.z} * gridDim.x + blockIdx.x) * 2 * dims.C;
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

 private:
  Floats<N> da_{}, da_x_hat_{};
};

// Calls body(k, item) for the thread's items.
template <class Body>
__device__ void for_each_item(const FeatureBackward& dims, const Body& body) {
  const std::int64_t first = blockIdx.x * dims.chunk, last = min(first + dims.chunk, dims.items);
  for (std::int64_t item = first + threadIdx.y; item < last; item += blockDim.y) body(blockIdx.z, item);
}

// The first of the thread's N channels; C or more where it has none.
template <int N>
__device__ std::int64_t first_channel() {
  return (std::int64_t{blockIdx.y} * blockDim.x + threadIdx.x) * N;
}

// d(pixel, c, norm) gives the gradient of value(x) by N channels from c of pixel (k, n, h, w), counted over
// all weight sets.
template <int N, class T, class D>
__global__ void __launch_bounds__(feature_threads, 2)
    feature_backward_kernel(FeatureBackward dims, Feature<T> x, FeatureGradient<T> dx, D d) {
  const std::int64_t c = first_channel<N>();
  FeatureSums<N> sums;
  if (c < dims.C) {
    const ChannelNorm<N> norm(x.norm, blockIdx.z * dims.C + c);
    for_each_item(dims, [&](std::int64_t k, std::int64_t p) {
      const std::int64_t pixel = k * dims.items + p, at = pixel * dims.C + c;
      sums.take(norm, load<N>(x.y + at), d(pixel, c, norm), dx.da.data + at, dx.da.write);
    });
  }
  sums.leave(dims, c);
}

// Adds up the chunks' rows, in f64, one thread per k and channel.
void add_feature_sums(Cuda ctx, std::int64_t K, std::int64_t chunks, std::int64_t C, const float* partials,
                      float* sum_da, float* sum_da_x_hat);

// Launches kernel(N)(FeatureBackward, args...), a reader's backward over K times `items` by Most channels at
// a time, and adds up its sums; per_thread: items.
template <class T, int Most = widest<T>, class Kernel, class... Args>
void launch_backward(Cuda ctx, std::int64_t K, std::int64_t items, std::int64_t C, std::int64_t per_thread,
                     const FeatureGradient<T>& dx, const Kernel& kernel, const Args&... args) {
  const auto run = [&](auto vector) {
    const std::int64_t vectors = C / vector();
    unsigned width = 1;
    while (width < 32 && width < vectors) width *= 2;
    const dim3 block(width, feature_threads / width);
    const std::int64_t chunk = per_thread * block.y;
    const Grid grid{blocks_for(items, chunk), blocks_for(vectors, width), K};
    float* partials = dx.sum_da ? ctx.workspace.take<float>(K * grid.x * 2 * C) : nullptr;
    launch(ctx, kernel(vector), grid, block, 0, FeatureBackward{items, C, chunk, partials}, args...);
    if (partials) add_feature_sums(ctx, K, grid.x, C, partials, dx.sum_da, dx.sum_da_x_hat);
  };
  C % Most == 0 ? run(std::integral_constant<int, Most>{}) : run(std::integral_constant<int, 1>{});
}

// d: a functor of the device, Floats<N> d(pixel, c, const ChannelNorm<N>& of these channels).
template <class T, class D>
void feature_backward(Cuda ctx, const ImageDims& dims, Feature<T> x, FeatureGradient<T> dx, const D& d) {
  // A sum in f32 runs over at most 4,096 pixels.
  launch_backward(
      ctx, dims.K, dims.N * dims.H * dims.W, dims.C, 16, dx,
      [](auto vector) { return feature_backward_kernel<vector(), T, D>; }, x, dx, d);
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
