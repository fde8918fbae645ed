// Region split: overlapping windows of value(x), x: [N, H, W, C], on a G x G grid.
//   y[r G + s, n, i, j, c] = value(x)[n, top(r) + i, left(s) + j, c],   y: [G G, N, h, w, C]
//   h = min(H, floor(H / G) + 2 overlap),   top(r) = clamp(floor(r H / G) - overlap, 0, H - h)
// and w, left(s) likewise from W: a window at the border is shifted inwards, never padded. Where G does not
// divide H and there is no overlap, some rows lie in no window.
// Backward, the adjoint: a pixel's gradient is the sum of dy over its windows in the order of k = r G + s,
// masked by the ReLU (kernels/feature.h).
#pragma once

#include <algorithm>

#include "kernels/divisor.h"
#include "kernels/feature.h"

namespace fermion::kernels {

// The windows along one axis of `size` pixels.
class RegionAxis {
 public:
  RegionAxis(std::int64_t size, std::int64_t grid, std::int64_t overlap)
      : size_(size), overlap_(overlap), window_(std::min(size, size / grid + 2 * overlap)), by_grid_(grid) {}

  FERMION_HOST_DEVICE std::int64_t window() const { return window_; }
  FERMION_HOST_DEVICE std::int64_t start(std::int64_t i) const {
    const std::int64_t inside = by_grid_.quotient(i * size_) - overlap_, last = size_ - window_;
    return inside < 0 ? 0 : inside < last ? inside : last;
  }

 private:
  std::int64_t size_, overlap_, window_;
  Divisor by_grid_;
};

struct RegionSplit {
  std::int64_t N, H, W, C;
  std::int64_t grid, overlap;

  RegionAxis rows() const { return {H, grid, overlap}; }
  RegionAxis columns() const { return {W, grid, overlap}; }
};

void region_split_forward(Cpu ctx, const RegionSplit& dims, Feature<float> x, float* y);
void region_split_backward(Cpu ctx, const RegionSplit& dims, Feature<float> x, const float* dy,
                           FeatureGradient<float> dx);

// CUDA: T is float or bf16.
template <class T>
void region_split_forward(Cuda ctx, const RegionSplit& dims, Feature<T> x, T* y);
template <class T>
void region_split_backward(Cuda ctx, const RegionSplit& dims, Feature<T> x, const T* dy,
                           FeatureGradient<T> dx);

}  // namespace fermion::kernels
