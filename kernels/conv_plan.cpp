#include "kernels/conv_plan.h"

namespace fermion::kernels {
namespace {

constexpr std::int64_t cache_floats = 1 << 19;     // what one call's activations may fill
constexpr std::int64_t least_slice_pixels = 2048;  // below, adding up gradients of weights costs too much
constexpr std::int64_t least_call_pixels = 1024;

std::int64_t largest_divisor(std::int64_t N, std::int64_t limit) {
  std::int64_t divisor = std::max<std::int64_t>(1, std::min(limit, N));
  while (N % divisor) --divisor;
  return divisor;
}

std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

struct Geometry {
  std::int64_t src_pixels, dst_pixels, floats;  // of one image
};

Geometry geometry(const ConvolutionKey& shape) {
  const std::int64_t Ho = (shape.H + 2 * shape.padding - shape.kernel) / shape.stride + 1;
  const std::int64_t Wo = (shape.W + 2 * shape.padding - shape.kernel) / shape.stride + 1;
  return {shape.H * shape.W, Ho * Wo, shape.H * shape.W * shape.Ci + Ho * Wo * shape.Co};
}

// One slice a thread where the images divide well enough, else the whole batch with oneDNN's own threads.
ConvPlan cut(const ConvolutionKey& shape, std::int64_t K, std::int64_t N, int threads, std::int64_t group,
             std::int64_t least_pixels) {
  const std::int64_t groups = N / group, slices = std::min(groups, ceil_div(threads, K));
  const std::int64_t rounds = K >= threads ? ceil_div(K, threads) : ceil_div(groups, slices);
  const std::int64_t work = K >= threads ? K : groups * K;
  const bool balanced = 4 * work >= 3 * rounds * threads;
  const bool enough = slices == 1 || N * geometry(shape).dst_pixels >= least_pixels * slices;
  if (threads == 1 || (balanced && enough)) return {K, N, group, slices, threads, 1, shape.Ci, shape.Co};
  return {K, N, N, 1, 1, threads, shape.Ci, shape.Co};
}

}  // namespace

ConvPlan plan_forward(const ConvolutionKey& shape, std::int64_t K, std::int64_t N, int threads, bool passes) {
  const std::int64_t limit =
      passes ? cache_floats / geometry(shape).floats : ceil_div(N, ceil_div(threads, K));
  return cut(shape, K, N, threads, largest_divisor(N, limit), 0);
}

ConvPlan plan_backward(const ConvolutionKey& shape, std::int64_t K, std::int64_t N, int threads) {
  const Geometry g = geometry(shape);
  const std::int64_t limit =
      std::max<std::int64_t>(cache_floats / g.floats, least_call_pixels / g.dst_pixels);
  return cut(shape, K, N, threads, largest_divisor(N, limit), least_slice_pixels);
}

ConvolutionKey planned(ConvolutionKey shape, const ConvPlan& plan, Direction direction) {
  shape.direction = direction;
  shape.images = plan.group;
  shape.src_block = plan.src_block;
  shape.dst_block = plan.dst_block;
  shape.threads = plan.inner;
  // Small reorders are over before a second thread has woken up; those of a bank run side by side.
  const bool large = shape.Co * shape.kernel * shape.kernel * shape.Ci >= 1 << 17;
  shape.weight_threads = plan.K == 1 && large ? std::max(plan.outer, plan.inner) : 1;
  return shape;
}

Buffers pack_weights(Cpu ctx, const Convolution& convolution, std::int64_t K, const float* plain,
                     std::int64_t plain_floats) {
  const Buffers packed(ctx.workspace, K, convolution.packed_floats());
  const Buffers between(ctx.workspace, ctx.threads, convolution.between_floats());
  parallel_for(ctx.threads, K, [&](std::int64_t k, int thread) {
    convolution.pack(plain + k * plain_floats, packed[k], between[thread]);
  });
  return packed;
}

void unpack_gradients(Cpu ctx, const Convolution& wgrad, std::int64_t K, const Buffers& packed,
                      std::int64_t slices, Gradient<float> plain, std::int64_t plain_floats) {
  const bool accumulate = plain.write == Write::accumulate;
  const Buffers unpacked = accumulate ? Buffers(ctx.workspace, K, plain_floats) : Buffers();
  const Buffers between(ctx.workspace, ctx.threads, wgrad.between_floats());
  parallel_for(ctx.threads, K, [&](std::int64_t k, int thread) {
    float* sum = packed[k * slices];
    for (std::int64_t slice = 1; slice < slices; ++slice)
      add(sum, packed[k * slices + slice], wgrad.packed_floats());
    float* to = plain.data + k * plain_floats;
    wgrad.unpack(sum, accumulate ? unpacked[k] : to, between[thread]);
    if (accumulate) add(to, unpacked[k], plain_floats);
  });
}

}  // namespace fermion::kernels
