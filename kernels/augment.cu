#include "kernels/augment.h"
#include "kernels/divisor.h"
#include "kernels/launch.cuh"
#include "kernels/vec.cuh"

namespace fermion::kernels {
namespace {

constexpr int threads = 256;

// NaN travels.
__device__ float clamp(float v, float largest) {
  return v < 0 ? 0.0f : v > largest ? largest : v;
}

// The two pixels around a coordinate, and how far it lies from the first to the second.
struct Neighbours {
  int first, second;
  float fraction;

  __device__ Neighbours(float at, int size) {
    const float clamped = clamp(at, static_cast<float>(size - 1));
    // A NaN converts to any integer.
    first = min(max(static_cast<int>(clamped), 0), size - 1);
    second = min(first + 1, size - 1);
    fraction = clamped - static_cast<float>(first);
  }
};

__device__ float between(float a, float b, float fraction) {
  return fmaf(fraction, b - a, a);
}

// Channel c of pixel (w, h), between 0 and 255; `image` begins at that channel.
__device__ float sample(int H, int W, const std::uint8_t* image, const AugmentParameters& p, float x,
                        float y) {
  const float cx = static_cast<float>(W - 1) / 2, cy = static_cast<float>(H - 1) / 2;
  const Neighbours at_x(fmaf(p.xx, x - cx, fmaf(p.xy, y - cy, cx + p.dx)), W);
  const Neighbours at_y(fmaf(p.yx, x - cx, fmaf(p.yy, y - cy, cy + p.dy)), H);
  const std::uint8_t* row0 = image + at_y.first * W * 3;
  const std::uint8_t* row1 = image + at_y.second * W * 3;
  const float above = between(row0[at_x.first * 3], row0[at_x.second * 3], at_x.fraction);
  const float below = between(row1[at_x.first * 3], row1[at_x.second * 3], at_x.fraction);
  return clamp(p.brightness * between(above, below, at_y.fraction), 255);
}

// One thread makes one number, so that a warp's reads lie side by side. A block works on one image.
template <class T>
__global__ void __launch_bounds__(threads)
    augment(Augment dims, Divisor by_blocks, Divisor by_W, const std::uint8_t* images,
            const AugmentParameters* parameters, const float* mean, const float* inv_std, T* out) {
  // [parameters, mean, inv_std], so that each warp need not ask for them.
  constexpr int count = augment_parameter_count;
  __shared__ float row[count + 6];
  const auto image = static_cast<std::int64_t>(by_blocks.quotient(static_cast<int>(blockIdx.x)));
  if (const int i = static_cast<int>(threadIdx.x); i < count + 6)
    row[i] = i < count       ? reinterpret_cast<const float*>(parameters + image)[i]
             : i < count + 3 ? mean[i - count]
                             : inv_std[i - count - 3];
  __syncthreads();
  const auto& p = reinterpret_cast<const AugmentParameters&>(row);
  const int H = static_cast<int>(dims.H), W = static_cast<int>(dims.W), size = H * W * 3;
  const unsigned at = by_blocks.remainder(static_cast<int>(blockIdx.x)) * threads + threadIdx.x;
  if (at >= static_cast<unsigned>(size)) return;
  const int pixel = static_cast<int>(at / 3), channel = static_cast<int>(at % 3);
  const float x = static_cast<float>(by_W.remainder(pixel)), y = static_cast<float>(by_W.quotient(pixel));
  float value = 0;
  if (!(p.top <= y && y < p.bottom && p.left <= x && x < p.right)) {
    const float v = sample(H, W, images + image * size + channel, p, x, y);
    value = (v / 255 - row[count + channel]) * row[count + 3 + channel];
  }
  out[image * size + at] = from_float<T>(value);
}

}  // namespace

template <class T>
void augment_forward(Cuda ctx, const Augment& dims, const std::uint8_t* images,
                     const AugmentParameters* parameters, const float* mean, const float* inv_std, T* out) {
  if (dims.H * dims.W == 0) return;
  const std::int64_t blocks = blocks_for(dims.H * dims.W * 3, threads);
  launch(ctx, augment<T>, {dims.N * blocks}, threads, 0, dims, Divisor(blocks), Divisor(dims.W), images,
         parameters, mean, inv_std, out);
}

template void augment_forward(Cuda, const Augment&, const std::uint8_t*, const AugmentParameters*,
                              const float*, const float*, float*);
template void augment_forward(Cuda, const Augment&, const std::uint8_t*, const AugmentParameters*,
                              const float*, const float*, bf16*);

}  // namespace fermion::kernels
