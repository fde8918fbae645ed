#include "kernels/dropout.h"

#include <algorithm>

#include "kernels/accumulate.h"

namespace fermion::kernels {
namespace {

// Calls body(i, factor) for every element; factor is 0 or 1 / (1 - p).
template <class Body>
void for_each_kept(Cpu ctx, std::int64_t size, float p, RandomSource source, const Body& body) {
  const Random random = source.now();
  const double threshold = static_cast<double>(p) * 0x1p32;
  const float scale = 1 / (1 - p);
#pragma omp parallel for num_threads(ctx.threads)
  for (std::int64_t begin = 0; begin < size; begin += 4) {
    const PhiloxBlock words = random.block(static_cast<std::uint64_t>(begin) / 4);
    for (std::int64_t i = begin; i < std::min(begin + 4, size); ++i)
      body(i, words.word[i - begin] >= threshold ? scale : 0.0f);
  }
}

}  // namespace

void dropout_forward(Cpu ctx, std::int64_t size, float p, RandomSource random, const float* x, float* y) {
  for_each_kept(ctx, size, p, random,
                [&](std::int64_t i, float factor) { y[i] = factor == 0 ? 0 : x[i] * factor; });
}

void dropout_backward(Cpu ctx, std::int64_t size, float p, RandomSource random, const float* dy,
                      Gradient<float> dx) {
  for_each_kept(ctx, size, p, random, [&](std::int64_t i, float factor) {
    put(factor == 0 ? 0 : dy[i] * factor, dx.write, dx.data[i]);
  });
}

}  // namespace fermion::kernels
