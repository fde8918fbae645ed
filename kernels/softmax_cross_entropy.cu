#include "kernels/reduce.cuh"
#include "kernels/softmax_cross_entropy.h"
#include "kernels/vec.cuh"

namespace fermion::kernels {
namespace {

constexpr int threads = 128;

__device__ bool label_fits(const CrossEntropy& x, std::int64_t b) {
  return x.labels[b] >= 0 && x.labels[b] < x.classes;
}

// a_c t'_bc; NaN where the label is none of the classes.
__device__ double weighted_target(const CrossEntropy& x, std::int64_t b, std::int64_t c) {
  const double t = x.distribution     ? x.distribution[b * x.classes + c]
                   : label_fits(x, b) ? x.labels[b] == c
                                      : static_cast<double>(NAN);
  const double smooth = (1.0 - x.label_smoothing) * t + x.label_smoothing / static_cast<double>(x.classes);
  return x.class_weights ? smooth * x.class_weights[c] : smooth;
}

// Of one row of logits: softmax_c = exp(l_c - largest) / sum. Differences to the largest keep large logits
// exact enough for exponentials in f32.
struct Softmax {
  float largest = -INFINITY, sum = 0;

  template <class T>
  __device__ Softmax(const T* l, std::int64_t classes) {
    for (std::int64_t c = 0; c < classes; ++c) largest = fmaxf(largest, to_float(l[c]));
    for (std::int64_t c = 0; c < classes; ++c) sum += expf(to_float(l[c]) - largest);
  }

  __device__ float probability(float logit) const { return expf(logit - largest) / sum; }
  __device__ double minus_log(float logit) const {
    return static_cast<double>(largest) - logit + static_cast<double>(logf(sum));
  }
};

// CE_kb.
template <class T>
__device__ double cross_entropy(const CrossEntropy& x, std::int64_t b, const T* l, const Softmax& softmax) {
  double sum = 0;
  for (std::int64_t c = 0; c < x.classes; ++c)
    if (const double target = weighted_target(x, b, c); target != 0)
      sum += target * softmax.minus_log(to_float(l[c]));
  return sum;
}

// w_bk CE_kb of row k B + b.
template <class T>
struct RowLoss {
  CrossEntropy x;
  const T* logits;

  __device__ double operator()(std::int64_t row) const {
    const T* l = logits + row * x.classes;
    const std::int64_t k = row / x.B, b = row % x.B;
    const double entropy = cross_entropy(x, b, l, Softmax(l, x.classes));
    return x.region_weights ? x.region_weights[b * x.K + k] * entropy : entropy;
  }
};

// a_(t_b).
struct LabelWeight {
  CrossEntropy x;

  __device__ double operator()(std::int64_t b) const {
    return label_fits(x, b) ? x.class_weights[x.labels[b]] : NAN;
  }
};

struct Keep {
  double* to;

  __device__ void operator()(double sum) const { *to = sum; }
};

// D, from device memory where it depends on the labels.
struct BatchWeight {
  double B;
  const double* sum;  // or null

  __device__ double value() const { return sum ? *sum : B; }
};

struct Mean {
  std::int64_t K;
  BatchWeight D;
  float* loss;

  __device__ void operator()(double sum) const {
    *loss = D.B == 0 ? 0.0f : static_cast<float>(sum / (static_cast<double>(K) * D.value()));
  }
};

BatchWeight batch_weight(Cuda ctx, const CrossEntropy& x) {
  double* sum = nullptr;
  if (x.labels && x.class_weights) {
    sum = ctx.workspace.take<double>(1);
    sum_terms(ctx, x.B, LabelWeight{x}, Keep{sum});
  }
  return {static_cast<double>(x.B), sum};
}

// One thread takes a row.
template <class T>
__global__ void __launch_bounds__(threads)
    loss_gradients(CrossEntropy x, const T* logits, const float* dloss, BatchWeight D, Gradient<T> dlogits,
                   Gradient<float> dregion_weights) {
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * threads + threadIdx.x;
  if (row >= x.K * x.B) return;
  const std::int64_t at = row * x.classes, b = row % x.B, region = b * x.K + row / x.B;
  const T* l = logits + at;
  const double scale = *dloss / (static_cast<double>(x.K) * D.value());
  const Softmax softmax(l, x.classes);
  if (dregion_weights)
    put<1>(dregion_weights.data + region, {static_cast<float>(scale * cross_entropy(x, b, l, softmax))},
           dregion_weights.write);
  if (!dlogits) return;
  const double weight = x.region_weights ? scale * x.region_weights[region] : scale;
  double mass = 0;
  for (std::int64_t c = 0; c < x.classes; ++c) mass += weighted_target(x, b, c);
  for (std::int64_t c = 0; c < x.classes; ++c) {
    const double d = weight * (softmax.probability(to_float(l[c])) * mass - weighted_target(x, b, c));
    put<1>(dlogits.data + at + c, {static_cast<float>(d)}, dlogits.write);
  }
}

}  // namespace

template <class T>
void softmax_cross_entropy_forward(Cuda ctx, const CrossEntropy& x, const T* logits, float* loss) {
  const BatchWeight D = batch_weight(ctx, x);
  sum_terms(ctx, x.K * x.B, RowLoss<T>{x, logits}, Mean{x.K, D, loss});
}

template <class T>
void softmax_cross_entropy_backward(Cuda ctx, const CrossEntropy& x, const T* logits, const float* dloss,
                                    Gradient<T> dlogits, Gradient<float> dregion_weights) {
  const BatchWeight D = batch_weight(ctx, x);
  launch(ctx, loss_gradients<T>, {blocks_for(x.K * x.B, threads)}, threads, 0, x, logits, dloss, D, dlogits,
         dregion_weights);
}

template void softmax_cross_entropy_forward(Cuda, const CrossEntropy&, const float*, float*);
template void softmax_cross_entropy_forward(Cuda, const CrossEntropy&, const bf16*, float*);
template void softmax_cross_entropy_backward(Cuda, const CrossEntropy&, const float*, const float*,
                                             Gradient<float>, Gradient<float>);
template void softmax_cross_entropy_backward(Cuda, const CrossEntropy&, const bf16*, const float*,
                                             Gradient<bf16>, Gradient<float>);

}  // namespace fermion::kernels
