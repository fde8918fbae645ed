#include <algorithm>

#include "kernels/divisor.h"
#include "kernels/feature.cuh"
#include "kernels/max_pool2d.h"

namespace fermion::kernels {
namespace {

// The windows of an image, those at its lower and right border too that have but one or two pixels.
struct Windows {
  ImageDims dims;
  std::int64_t down, across;
  Divisor by_down, by_across;

  explicit Windows(const ImageDims& dims, bool partial)
      : dims(dims),
        down((dims.H + partial) / 2),
        across((dims.W + partial) / 2),
        by_down(std::max<std::int64_t>(down, 1)),
        by_across(std::max<std::int64_t>(across, 1)) {}

  std::int64_t count() const { return dims.N * down * across; }  // of a weight set
};

// The window at (i, j) of one image.
struct Window {
  std::int64_t image, i, j;

  // number: among all.
  __device__ Window(const Windows& all, std::int64_t number) {
    const std::int64_t line = all.by_across.quotient(number);
    image = all.by_down.quotient(line), i = all.by_down.remainder(line), j = all.by_across.remainder(number);
  }
  // Of x, pixel p of the four in the order in which they are read.
  __device__ std::int64_t pixel(const ImageDims& x, int p) const {
    return (image * x.H + 2 * i + p / 2) * x.W + 2 * j + p % 2;
  }
  __device__ bool has(const ImageDims& x, int p) const { return 2 * i + p / 2 < x.H && 2 * j + p % 2 < x.W; }
};

// The largest of four values per channel, and whose it is: two bits of `winners` for each.
template <int N, class T>
__device__ Floats<N> largest(const ChannelNorm<N>& norm, const Vec<T, N> (&y)[4], unsigned& winners) {
  Floats<N> best = norm.value(floats(y[0]));
  winners = 0;
#pragma unroll
  for (int p = 1; p < 4; ++p) {
    const Floats<N> value = norm.value(floats(y[p]));
#pragma unroll
    for (int i = 0; i < N; ++i) {
      // A NaN wins against numbers, and stays.
      const bool wins = !(value[i] <= best[i]) && !isnan(best[i]);
      best[i] = wins ? value[i] : best[i];
      if (wins) winners = (winners & ~(3u << 2 * i)) | static_cast<unsigned>(p) << 2 * i;
    }
  }
  return best;
}

// One thread makes N channels of some pixels of y.
template <int N, class T>
__global__ void __launch_bounds__(channel_threads)
    pool(ChannelChunks dims, Windows windows, Feature<T> x, T* y) {
  const std::int64_t c = dims.channel<N>();
  if (c >= dims.C) return;
  const ChannelNorm<N> norm(x.norm, blockIdx.z * dims.C + c);
  struct Loaded {
    Vec<T, N> values[4];
  };
  dims.for_each<2>(
      [&](std::int64_t number) {
        const Window window(windows, number);
        Loaded of;
#pragma unroll
        for (int p = 0; p < 4; ++p)
          of.values[p] = stored<N>(x.y + window.pixel(windows.dims, p) * dims.C + c);
        return of;
      },
      [&](std::int64_t number, const Loaded& of) {
        unsigned winners;
        store(y + number * dims.C + c, largest(norm, of.values, winners));
      });
}

// One thread makes N channels of the pixels of some windows: dy goes to the one that won, 0 to the others.
template <int N, class T>
__global__ void __launch_bounds__(channel_threads, 2)
    unpool(FeatureBackward dims, Windows windows, Feature<T> x, const T* dy, FeatureGradient<T> dx) {
  const ImageDims& images = windows.dims;
  const std::int64_t c = dims.channel<N>(), H = images.H / 2, W = images.W / 2;
  FeatureSums<N> sums;
  if (c < dims.C) {
    const ChannelNorm<N> norm(x.norm, blockIdx.z * dims.C + c);
    // As they are stored, for there are not registers enough for all in f32.
    struct Loaded {
      Vec<T, N> values[4], d;
    };
    const std::int64_t row = images.W * dims.C;
    dims.for_each<2>(
        [&](std::int64_t number) {
          const Window window(windows, number);
          const T* first = x.y + window.pixel(images, 0) * dims.C + c;
          Loaded of{};
#pragma unroll
          for (int p = 0; p < 4; ++p)
            if (window.has(images, p)) of.values[p] = stored<N>(first + p / 2 * row + p % 2 * dims.C);
          if (window.i < H && window.j < W)
            of.d = stored<N>(dy + ((window.image * H + window.i) * W + window.j) * dims.C + c);
          return of;
        },
        [&](std::int64_t number, const Loaded& of) {
          const Window window(windows, number);
          T* first = dx.da.data + window.pixel(images, 0) * dims.C + c;
          unsigned winners;
          largest(norm, of.values, winners);
#pragma unroll
          for (int p = 0; p < 4; ++p) {
            if (!window.has(images, p)) continue;
            Floats<N> of_pixel;
#pragma unroll
            for (int n = 0; n < N; ++n)
              of_pixel[n] = (winners >> 2 * n & 3) == static_cast<unsigned>(p) ? to_float(of.d.at[n]) : 0.0f;
            sums.take(norm, floats(of.values[p]), of_pixel, first + p / 2 * row + p % 2 * dims.C,
                      dx.da.write);
          }
        });
  }
  sums.leave(dims);
}

}  // namespace

template <class T>
void max_pool2d_forward(Cuda ctx, const ImageDims& dims, Feature<T> x, T* y) {
  const Windows windows(dims, false);
  with_vectors<T>(dims.C, [&](auto vector) {
    const ChannelBlocks blocks = channel_blocks<T>(ctx, dims.K, windows.count(), dims.C, vector());
    launch(ctx, pool<vector(), T>, blocks.grid, blocks.block, 0, blocks, windows, x, y);
  });
}

template <class T>
void max_pool2d_backward(Cuda ctx, const ImageDims& dims, Feature<T> x, const T* dy, FeatureGradient<T> dx) {
  const Windows windows(dims, true);
  // By 8 channels, four pixels and their norm take more registers than there are.
  launch_backward<T, 4>(
      ctx, dims.K, windows.count(), dims.C, dx, [](auto vector) { return unpool<vector(), T>; }, windows, x,
      dy, dx);
}

template void max_pool2d_forward(Cuda, const ImageDims&, Feature<float>, float*);
template void max_pool2d_forward(Cuda, const ImageDims&, Feature<bf16>, bf16*);
template void max_pool2d_backward(Cuda, const ImageDims&, Feature<float>, const float*,
                                  FeatureGradient<float>);
template void max_pool2d_backward(Cuda, const ImageDims&, Feature<bf16>, const bf16*, FeatureGradient<bf16>);

}  // namespace fermion::kernels
