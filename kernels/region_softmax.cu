#include "kernels/reduce.cuh"
#include "kernels/region_softmax.h"
#include "kernels/vec.cuh"

namespace fermion::kernels {
namespace {

// One warp takes one image.
constexpr int threads = 128, images = threads / 32;

template <class T>
__global__ void __launch_bounds__(threads)
    softmax(std::int64_t B, std::int64_t K, const T* scores, float* w) {
  const std::int64_t b = static_cast<std::int64_t>(blockIdx.x) * images + threadIdx.x / 32;
  const unsigned lane = threadIdx.x % 32;
  if (b >= B) return;
  scores += b * K;
  w += b * K;
  float largest = -INFINITY;
  for (std::int64_t k = lane; k < K; k += 32) largest = fmaxf(largest, to_float(scores[k]));
  largest = warp_max(largest);
  float sum = 0;
  for (std::int64_t k = lane; k < K; k += 32) sum += w[k] = expf(to_float(scores[k]) - largest);
  const float scale = static_cast<float>(K) / warp_sum(sum);
  for (std::int64_t k = lane; k < K; k += 32) w[k] *= scale;
}

template <class T>
__global__ void __launch_bounds__(threads)
    softmax_gradient(std::int64_t B, std::int64_t K, const float* w, const float* dw, Gradient<T> dscores) {
  const std::int64_t b = static_cast<std::int64_t>(blockIdx.x) * images + threadIdx.x / 32;
  const unsigned lane = threadIdx.x % 32;
  if (b >= B) return;
  w += b * K;
  dw += b * K;
  double sum = 0;
  for (std::int64_t k = lane; k < K; k += 32) sum += static_cast<double>(w[k]) * dw[k];
  const double mean = warp_sum(sum) / static_cast<double>(K);
  for (std::int64_t k = lane; k < K; k += 32)
    put<1>(dscores.data + b * K + k, {static_cast<float>(w[k] * (dw[k] - mean))}, dscores.write);
}

}  // namespace

template <class T>
void region_softmax_forward(Cuda ctx, std::int64_t B, std::int64_t K, const T* scores, float* w) {
  launch(ctx, softmax<T>, {blocks_for(B, images)}, threads, 0, B, K, scores, w);
}

template <class T>
void region_softmax_backward(Cuda ctx, std::int64_t B, std::int64_t K, const float* w, const float* dw,
                             Gradient<T> dscores) {
  if (dscores) launch(ctx, softmax_gradient<T>, {blocks_for(B, images)}, threads, 0, B, K, w, dw, dscores);
}

template void region_softmax_forward(Cuda, std::int64_t, std::int64_t, const float*, float*);
template void region_softmax_forward(Cuda, std::int64_t, std::int64_t, const bf16*, float*);
template void region_softmax_backward(Cuda, std::int64_t, std::int64_t, const float*, const float*,
                                      Gradient<float>);
template void region_softmax_backward(Cuda, std::int64_t, std::int64_t, const float*, const float*,
                                      Gradient<bf16>);

}  // namespace fermion::kernels
