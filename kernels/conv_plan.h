// How a convolution's work is cut into oneDNN calls. A call on a few images leaves what it reads and writes
// in the cache for the passes around it, and calls with one thread each on their own images are as fast as
// one call with all threads. Where weights outweigh activations, one call takes the whole batch instead.
// Everything here is a function of shapes, threads and instruction set.
#pragma once

#include <algorithm>

#include "kernels/conv_passes.h"
#include "kernels/onednn.h"
#include "kernels/parallel_for.h"

namespace fermion::kernels {

struct ConvPlan {
  std::int64_t K, N;
  std::int64_t group;   // images of one call; divides N
  std::int64_t slices;  // the calls of one weight set are dealt to so many workers, in order
  int outer, inner;     // threads across slices, threads inside a call; one of them is 1
  std::int64_t src_block, dst_block;
};

// `shape`: the geometry; its images, blocks and threads are for the plan to choose.
ConvPlan plan_forward(const ConvolutionKey& shape, std::int64_t K, std::int64_t N, int threads, bool passes);
ConvPlan plan_backward(const ConvolutionKey& shape, std::int64_t K, std::int64_t N, int threads);
// `shape` in one direction under a plan.
ConvolutionKey planned(ConvolutionKey shape, const ConvPlan& plan, Direction direction);

// Calls work(k, begin, end, slice, thread) for the images begin..end of each slice of each weight set, and
// throws what one of the calls threw.
template <class Work>
void for_each_slice(const ConvPlan& plan, const Work& work) {
  const std::int64_t groups = plan.N / plan.group;
  parallel_for(plan.outer, plan.K * plan.slices, [&](std::int64_t i, int thread) {
    const std::int64_t slice = i % plan.slices;
    const std::int64_t begin = groups * slice / plan.slices, end = groups * (slice + 1) / plan.slices;
    work(i / plan.slices, begin * plan.group, end * plan.group, slice, thread);
  });
}

// Passes go over blocks of pixels that stay in the first-level cache.
constexpr std::int64_t block_pixels = 256;
inline std::int64_t blocks_of(std::int64_t pixels) {
  return (pixels + block_pixels - 1) / block_pixels;
}

// Calls body(image, block, begin, end) for the blocks of pixels of the images of one call. It may not throw.
template <class Body>
void for_each_block(const ConvPlan& plan, std::int64_t pixels, const Body& body) {
  const std::int64_t blocks = blocks_of(pixels);
#pragma omp parallel for collapse(2) schedule(static) num_threads(plan.inner) if (plan.inner > 1)
  for (std::int64_t image = 0; image < plan.group; ++image)
    for (std::int64_t block = 0; block < blocks; ++block)
      body(image, block, block * block_pixels, std::min((block + 1) * block_pixels, pixels));
}

// A buffer for each of several owners, each on cache lines of its own.
class Buffers {
 public:
  Buffers() = default;
  Buffers(Workspace& workspace, std::int64_t owners, std::int64_t floats)
      : stride_((floats + 15) / 16 * 16), data_(floats ? workspace.take<float>(owners * stride_) : nullptr) {}
  float* operator[](std::int64_t owner) const { return data_ + owner * stride_; }

 private:
  std::int64_t stride_ = 0;
  float* data_ = nullptr;
};

// K sets of plain weights in oneDNN's format.
Buffers pack_weights(Cpu ctx, const Convolution& convolution, std::int64_t K, const float* plain,
                     std::int64_t plain_floats);

// Writes or adds K gradients, each the sum of its slices' packed ones: slices[k * count ...].
void unpack_gradients(Cpu ctx, const Convolution& wgrad, std::int64_t K, const Buffers& packed,
                      std::int64_t slices, Gradient<float> plain, std::int64_t plain_floats);

}  // namespace fermion::kernels
