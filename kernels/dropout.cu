#include <cmath>

#include "kernels/dropout.h"
#include "kernels/flat.cuh"
#include "kernels/launch.cuh"

namespace fermion::kernels {
namespace {

constexpr int threads = 256;

// Which words keep their number, and by what it is multiplied.
struct Keep {
  std::uint32_t threshold;
  float scale;

  explicit Keep(float p)
      : threshold(static_cast<std::uint32_t>(std::ceil(static_cast<double>(p) * 0x1p32))),
        scale(1 / (1 - p)) {}

  __device__ float operator()(std::uint32_t word, float x) const {
    return word >= threshold ? x * scale : 0.0f;
  }
};

// One thread takes the four numbers of one Philox block.
template <class T>
__global__ void __launch_bounds__(threads)
    drop(std::int64_t size, Keep keep, RandomSource random, bool whole, const T* from, Gradient<T> to) {
  const std::int64_t block = static_cast<std::int64_t>(blockIdx.x) * threads + threadIdx.x;
  const std::int64_t begin = 4 * block;
  if (begin >= size) return;
  const PhiloxBlock words = random.now().block(static_cast<std::uint64_t>(block));
  if (whole && begin + 4 <= size) {
    Floats<4> values = load<4>(from + begin);
#pragma unroll
    for (int i = 0; i < 4; ++i) values[i] = keep(words.word[i], values[i]);
    put(to.data + begin, values, to.write);
    return;
  }
#pragma unroll
  for (int i = 0; i < 4; ++i)
    if (begin + i < size)
      put<1>(to.data + begin + i, {keep(words.word[i], to_float(from[begin + i]))}, to.write);
}

}  // namespace

template <class T>
void dropout_forward(Cuda ctx, std::int64_t size, float p, RandomSource random, const T* x, T* y) {
  dropout_backward(ctx, size, p, random, x, Gradient<T>{y});
}

template <class T>
void dropout_backward(Cuda ctx, std::int64_t size, float p, RandomSource random, const T* dy,
                      Gradient<T> dx) {
  if (dx)
    launch(ctx, drop<T>, {blocks_for(size, 4 * threads)}, threads, 0, size, Keep(p), random,
           aligned<4>(dy, dx.data), dy, dx);
}

template void dropout_forward(Cuda, std::int64_t, float, RandomSource, const float*, float*);
template void dropout_forward(Cuda, std::int64_t, float, RandomSource, const bf16*, bf16*);
template void dropout_backward(Cuda, std::int64_t, float, RandomSource, const float*, Gradient<float>);
template void dropout_backward(Cuda, std::int64_t, float, RandomSource, const bf16*, Gradient<bf16>);

}  // namespace fermion::kernels
