#include "kernels/augment.h"
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

struct Pixel {
  float channel[3];
};

// Pixel (w, h) of the output of one image.
__device__ Pixel sample(int H, int W, const std::uint8_t* image, const AugmentParameters& p, int w, int h,
                        const float* mean, const float* inv_std) {
  const float x = static_cast<float>(w), y = static_cast<float>(h);
  if (p.top <= y && y < p.bottom && p.left <= x && x < p.right) return {};
  const float cx = static_cast<float>(W - 1) / 2, cy = static_cast<float>(H - 1) / 2;
  const Neighbours at_x(fmaf(p.xx, x - cx, fmaf(p.xy, y - cy, cx + p.dx)), W);
  const Neighbours at_y(fmaf(p.yx, x - cx, fmaf(p.yy, y - cy, cy + p.dy)), H);
  const std::uint8_t* row0 = image + at_y.first * W * 3;
  const std::uint8_t* row1 = image + at_y.second * W * 3;
  Pixel out;
#pragma unroll
  for (int c = 0; c < 3; ++c) {
    const int first = at_x.first * 3 + c, second = at_x.second * 3 + c;
    const float above = between(row0[first], row0[second], at_x.fraction);
    const float below = between(row1[first], row1[second], at_x.fraction);
    const float v = clamp(p.brightness * between(above, below, at_y.fraction), 255);
    out.channel[c] = (v / 255 - mean[c]) * inv_std[c];
  }
  return out;
}

// One thread makes a pixel; a block's pixels are put side by side first, so that they are stored in vectors.
template <class T>
__global__ void __launch_bounds__(threads)
    augment(Augment dims, const std::uint8_t* images, const AugmentParameters* parameters, const float* mean,
            const float* inv_std, T* out) {
  __shared__ alignas(16) float values[3 * threads];
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * threads, at = first + threadIdx.x;
  const std::int64_t pixels = dims.H * dims.W, all = dims.N * pixels;
  if (at < all) {
    const std::int64_t n = at / pixels;
    const int pixel = static_cast<int>(at % pixels), W = static_cast<int>(dims.W);
    const Pixel made = sample(static_cast<int>(dims.H), W, images + n * pixels * 3, parameters[n], pixel % W,
                              pixel / W, mean, inv_std);
#pragma unroll
    for (int c = 0; c < 3; ++c) values[3 * threadIdx.x + c] = made.channel[c];
  }
  __syncthreads();
  // 16 bytes of shared memory, also where 16 bytes of T are more: reads of neighbours then meet in no bank.
  constexpr int N = 4;
  const int count = static_cast<int>(min(all - first, std::int64_t{threads})) * 3;
  for (int i = threadIdx.x * N; i < count; i += threads * N) {
    if (i + N <= count) {
      store(out + first * 3 + i, load<N>(values + i));
    } else {
      for (int j = i; j < count; ++j) out[first * 3 + j] = from_float<T>(values[j]);
    }
  }
}

}  // namespace

template <class T>
void augment_forward(Cuda ctx, const Augment& dims, const std::uint8_t* images,
                     const AugmentParameters* parameters, const float* mean, const float* inv_std, T* out) {
  launch(ctx, augment<T>, {blocks_for(dims.N * dims.H * dims.W, threads)}, threads, 0, dims, images,
         parameters, mean, inv_std, out);
}

template void augment_forward(Cuda, const Augment&, const std::uint8_t*, const AugmentParameters*,
                              const float*, const float*, float*);
template void augment_forward(Cuda, const Augment&, const std::uint8_t*, const AugmentParameters*,
                              const float*, const float*, bf16*);

}  // namespace fermion::kernels
