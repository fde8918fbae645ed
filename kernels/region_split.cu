#include "kernels/feature.cuh"
#include "kernels/region_split.h"

namespace fermion::kernels {
namespace {

// Rows of a window that one block copies.
constexpr std::int64_t rows_per_block = 32;

// threadIdx.x walks vectors of channels, y the pixels of a row, z rows. blockIdx.x: (k, n, rows).
template <int V, class T>
__global__ void __launch_bounds__(channel_threads)
    copy_windows(RegionSplit dims, RegionAxis rows, RegionAxis columns, Feature<T> x, T* y) {
  const std::int64_t c = (static_cast<std::int64_t>(blockIdx.y) * blockDim.x + threadIdx.x) * V;
  if (c >= dims.C) return;
  const std::int64_t height = rows.window(), width = columns.window();
  const std::int64_t bands = (height + rows_per_block - 1) / rows_per_block, image = blockIdx.x / bands;
  const std::int64_t first = blockIdx.x % bands * rows_per_block, last = min(first + rows_per_block, height);
  const std::int64_t k = image / dims.N, n = image % dims.N;
  const std::int64_t top = rows.start(k / dims.grid), left = columns.start(k % dims.grid);
  const ChannelNorm<V> norm(x.norm, c);
  for (std::int64_t i = first + threadIdx.z; i < last; i += blockDim.z) {
    const T* from = x.y + ((n * dims.H + top + i) * dims.W + left) * dims.C + c;
    T* to = y + (image * height + i) * width * dims.C + c;
    for (std::int64_t j = threadIdx.y; j < width; j += blockDim.y)
      store(to + j * dims.C, norm.value(load<V>(from + j * dims.C)));
  }
}

// The sum of dy over the windows that hold a pixel.
template <class T>
struct WindowSum {
  static constexpr int batch = 1;  // for more there are not registers enough
  RegionSplit dims;
  RegionAxis rows, columns;
  Divisor by_W, by_H;
  const T* dy;

  WindowSum(const RegionSplit& dims, const T* dy)
      : dims(dims), rows(dims.rows()), columns(dims.columns()), by_W(dims.W), by_H(dims.H), dy(dy) {}

  template <int V>
  __device__ Floats<V> operator()(std::int64_t pixel, std::int64_t c, const ChannelNorm<V>&) const {
    const std::int64_t line = by_W.quotient(pixel), w = by_W.remainder(pixel), n = by_H.quotient(line),
                       h = by_H.remainder(line);
    const std::int64_t height = rows.window(), width = columns.window();
    Floats<V> sum{};
    for (std::int64_t r = 0; r < dims.grid; ++r) {
      const std::int64_t i = h - rows.start(r);
      if (i < 0 || i >= height) continue;
      for (std::int64_t s = 0; s < dims.grid; ++s) {
        const std::int64_t j = w - columns.start(s);
        if (j < 0 || j >= width) continue;
        const std::int64_t image = (r * dims.grid + s) * dims.N + n;
        const Floats<V> d = load<V>(dy + ((image * height + i) * width + j) * dims.C + c);
#pragma unroll
        for (int v = 0; v < V; ++v) sum[v] += d[v];
      }
    }
    return sum;
  }
};

}  // namespace

template <class T>
void region_split_forward(Cuda ctx, const RegionSplit& dims, Feature<T> x, T* y) {
  with_vectors<T>(dims.C, [&](auto vector) {
    constexpr int V = vector();
    const unsigned channels = lanes_for(dims.C / V, 32);
    const unsigned pixels = lanes_for(dims.columns().window(), channel_threads / channels);
    const dim3 block(channels, pixels, lanes_for(rows_per_block, channel_threads / channels / pixels));
    const std::int64_t bands = blocks_for(dims.rows().window(), rows_per_block);
    launch(ctx, copy_windows<V, T>,
           {dims.grid * dims.grid * dims.N * bands, blocks_for(dims.C / V, channels)}, block, 0, dims,
           dims.rows(), dims.columns(), x, y);
  });
}

template <class T>
void region_split_backward(Cuda ctx, const RegionSplit& dims, Feature<T> x, const T* dy,
                           FeatureGradient<T> dx) {
  feature_backward(ctx, {1, dims.N, dims.H, dims.W, dims.C}, x, dx, WindowSum<T>(dims, dy));
}

template void region_split_forward(Cuda, const RegionSplit&, Feature<float>, float*);
template void region_split_forward(Cuda, const RegionSplit&, Feature<bf16>, bf16*);
template void region_split_backward(Cuda, const RegionSplit&, Feature<float>, const float*,
                                    FeatureGradient<float>);
template void region_split_backward(Cuda, const RegionSplit&, Feature<bf16>, const bf16*,
                                    FeatureGradient<bf16>);

}  // namespace fermion::kernels
