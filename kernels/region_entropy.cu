#include <cfloat>

#include "kernels/reduce.cuh"
#include "kernels/region_entropy.h"
#include "kernels/vec.cuh"

namespace fermion::kernels {
namespace {

constexpr int threads = 256;

// NaN passes.
__device__ float log_of(float q) {
  return logf(q < FLT_MIN ? FLT_MIN : q);
}

struct Term {
  const float* w;
  float K;

  __device__ double operator()(std::int64_t i) const {
    const float q = w[i] / K;
    return static_cast<double>(q) * log_of(q);
  }
};

struct Mean {
  std::int64_t B;
  float* y;

  __device__ void operator()(double sum) const {
    *y = B == 0 ? 0.0f : static_cast<float>(sum / static_cast<double>(B));
  }
};

__global__ void __launch_bounds__(threads)
    entropy_gradient(std::int64_t count, float K, const float* w, const float* dy, Gradient<float> dw) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * threads + threadIdx.x;
  if (i >= count) return;
  const double slope = static_cast<double>(log_of(w[i] / K)) + 1;
  put<1>(dw.data + i, {static_cast<float>(*dy * slope / static_cast<double>(count))}, dw.write);
}

}  // namespace

void region_entropy_forward(Cuda ctx, std::int64_t B, std::int64_t K, const float* w, float* y) {
  sum_terms(ctx, B * K, Term{w, static_cast<float>(K)}, Mean{B, y});
}

void region_entropy_backward(Cuda ctx, std::int64_t B, std::int64_t K, const float* w, const float* dy,
                             Gradient<float> dw) {
  if (dw)
    launch(ctx, entropy_gradient, {blocks_for(B * K, threads)}, threads, 0, B * K, static_cast<float>(K), w,
           dy, dw);
}

}  // namespace fermion::kernels
