// Convolutions as operands of kernels/gemm.cuh: nothing is unfolded in memory, value(x) is formed on load.
//
// A tap is one of the kernel's places, tap = a kernel + b; outer indices and depths that walk taps and
// channels are tap C + c, those that walk pixels (n H + h) W + w.
#pragma once

#include "kernels/conv2d.h"
#include "kernels/feature.cuh"
#include "kernels/gemm.cuh"

namespace fermion::kernels {

// Which pixel of a source, images of H x W pixels, a tap reads for a pixel (i, j) of `rows` x `columns`:
//   (i stride + a - padding, j stride + b - padding),
// or `transposed`, in a gradient, the pixel for which that is (i, j). The stride is 1 or 2.
struct Window {
  std::int64_t H, W, rows, columns;
  int kernel, stride, padding;
  bool transposed = false;

  // Where the taps of one pixel start.
  struct Place {
    std::int64_t image;  // the source's first pixel
    int i, j;
  };

  // pixel: over all images of all weight sets.
  __device__ Place place(std::int64_t pixel) const {
    const std::int64_t row = pixel / columns, image = row / rows;
    const int i = static_cast<int>(row - image * rows), j = static_cast<int>(pixel - row * columns);
    if (transposed) return {image * H * W, i + padding, j + padding};
    return {image * H * W, i * stride - padding, j * stride - padding};
  }

  // The source's pixel, or -1 where there is none.
  __device__ std::int64_t source(const Place& place, int a, int b) const {
    int h = place.i + a, w = place.j + b;
    if (transposed) {
      h = place.i - a;
      w = place.j - b;
      if ((h | w) & (stride - 1)) return -1;
      h >>= stride - 1;
      w >>= stride - 1;
    }
    return h >= 0 && h < H && w >= 0 && w < W ? place.image + h * W + w : -1;
  }
};

// The windows of a convolution's forward and of its gradient by x.
inline Window window_of(const Conv2d& dims) {
  return {dims.H,
          dims.W,
          dims.Ho(),
          dims.Wo(),
          static_cast<int>(dims.kernel),
          static_cast<int>(dims.stride),
          static_cast<int>(dims.padding())};
}
inline Window gradient_window_of(const Conv2d& dims) {
  return {dims.Ho(),
          dims.Wo(),
          dims.H,
          dims.W,
          static_cast<int>(dims.kernel),
          static_cast<int>(dims.stride),
          static_cast<int>(dims.padding()),
          true};
}

// For plain tensors, in place of ChannelNorm.
template <int V>
struct NoNorm {
  NoNorm() = default;
  __device__ NoNorm(const Norm&, std::int64_t) {}
  __device__ Floats<V> value(Floats<V> y) const { return y; }
};

// [pixels, taps C] of one or two features side by side, 0 outside the images.
template <class T, int V, class ApplyNorm = ChannelNorm<V>>
struct Patches {
  static constexpr int vector = V;
  static constexpr bool along_depth = true;

  Window window;
  std::int64_t pixels;  // of one weight set
  Conv2dInput<T> x;
  std::int64_t first_channels, second_channels;

  struct Line {
    Window::Place place;
    std::int64_t k;
  };

  __device__ Line line(std::int64_t k, std::int64_t pixel) const {
    return {window.place(k * pixels + pixel), k};
  }

  __device__ Floats<V> load(const Line& line, std::int64_t d) const {
    const unsigned C = first_channels + second_channels, first = first_channels;
    const unsigned tap = static_cast<unsigned>(d) / C, c = static_cast<unsigned>(d) - tap * C;
    const unsigned a = tap / window.kernel, b = tap - a * window.kernel;
    const std::int64_t pixel = window.source(line.place, a, b);
    if (pixel < 0) return {};
    return c < first ? value_of(x.first, first_channels, line.k, pixel, c)
                     : value_of(x.second, second_channels, line.k, pixel, c - first);
  }

 private:
  __device__ static Floats<V> value_of(const Feature<T>& from, std::int64_t C, std::int64_t k,
                                       std::int64_t pixel, std::int64_t c) {
    return ApplyNorm(from.norm, k * C + c).value(kernels::load<V>(from.y + pixel * C + c));
  }
};

// The same matrix with the pixels as its depth: [taps C, pixels].
template <class T, int V, class ApplyNorm = ChannelNorm<V>>
struct PatchColumns {
  static constexpr int vector = V;
  static constexpr bool along_depth = false;

  Window window;
  std::int64_t pixels;
  Conv2dInput<T> x;
  std::int64_t first_channels, second_channels;

  struct Line {
    int a, b, channels;
    const T* y;  // of the weight set's first pixel
    ApplyNorm norm;
  };

  __device__ Line line(std::int64_t k, std::int64_t row) const {
    const std::int64_t C = first_channels + second_channels, tap = row / C, c = row - tap * C;
    const int a = static_cast<int>(tap) / window.kernel, b = static_cast<int>(tap) - a * window.kernel;
    return c < first_channels ? line_of(x.first, first_channels, k, c, a, b)
                              : line_of(x.second, second_channels, k, c - first_channels, a, b);
  }

  __device__ Floats<V> load(const Line& line, std::int64_t d) const {
    const std::int64_t pixel = window.source(window.place(d), line.a, line.b);
    if (pixel < 0) return {};
    return line.norm.value(kernels::load<V>(line.y + pixel * line.channels));
  }

 private:
  __device__ Line line_of(const Feature<T>& from, std::int64_t C, std::int64_t k, std::int64_t c, int a,
                          int b) const {
    const std::int64_t sources = pixels / (window.rows * window.columns) * window.H * window.W;
    return {a, b, static_cast<int>(C), from.y + k * sources * C + c, ApplyNorm(from.norm, k * C + c)};
  }
};

// Weights [K, Co, taps, Ci] as [channels, taps Co], for the gradient by the channels from `first` on.
template <int V>
struct TapColumns {
  static constexpr int vector = V;
  static constexpr bool along_depth = false;
  using Line = const float*;

  const float* weight;
  std::int64_t Co, taps, Ci, first;

  __device__ Line line(std::int64_t k, std::int64_t c) const {
    return weight + k * Co * taps * Ci + first + c;
  }
  __device__ Floats<V> load(Line line, std::int64_t d) const {
    const std::int64_t tap = static_cast<unsigned>(d) / static_cast<unsigned>(Co), co = d - tap * Co;
    return kernels::load<V>(line + (co * taps + tap) * Ci);
  }
};

// x's da and its sums, where the gradient of value(x) is the product a b [pixels, C]. Without a norm that is
// da; with one it goes through the workspace.
template <class T, class A, class B>
void feature_gemm(Cuda ctx, const ImageDims& dims, std::int64_t depth, const A& a, const B& b,
                  const Feature<T>& x, const FeatureGradient<T>& dx) {
  const Gemm product{dims.K, dims.N * dims.H * dims.W, dims.C, depth};
  if (!x.norm) return pixel_gemm(ctx, product, a, b, StoreRows<T>{dx.da.data, dx.da.write});
  float* d = ctx.workspace.take<float>(dims.size());
  pixel_gemm(ctx, product, a, b, StoreRows<float>{d});
  feature_backward(ctx, dims, x, dx, StoredGradient<float>{d, dims.C});
}

}  // namespace fermion::kernels
