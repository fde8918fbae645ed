#include "kernels/softmax_cross_entropy.h"

#include <cmath>
#include <stdexcept>
#include <string>

#include "kernels/accumulate.h"

namespace fermion::kernels {
namespace {

// a_c t'_bc.
double weighted_target(const CrossEntropy& x, std::int64_t b, std::int64_t c) {
  const double t = x.labels ? x.labels[b] == c : x.distribution[b * x.classes + c];
  const double smooth = (1.0 - x.label_smoothing) * t + x.label_smoothing / static_cast<double>(x.classes);
  return x.class_weights ? smooth * x.class_weights[c] : smooth;
}

double log_sum_exp(const CrossEntropy& x, const float* l) {
  float largest = l[0];
  for (std::int64_t c = 1; c < x.classes; ++c)
    if (!(l[c] <= largest)) largest = l[c];
  double sum = 0;
  for (std::int64_t c = 0; c < x.classes; ++c) sum += std::exp(static_cast<double>(l[c]) - largest);
  return largest + std::log(sum);
}

double cross_entropy(const CrossEntropy& x, std::int64_t b, const float* l) {
  const double log_sum = log_sum_exp(x, l);
  double sum = 0;
  for (std::int64_t c = 0; c < x.classes; ++c)
    if (const double target = weighted_target(x, b, c); target != 0) sum += target * (log_sum - l[c]);
  return sum;
}

// 1 / (K D).
double factor(const CrossEntropy& x) {
  double D = static_cast<double>(x.B);
  if (x.labels && x.class_weights) {
    D = 0;
    for (std::int64_t b = 0; b < x.B; ++b) D += x.class_weights[x.labels[b]];
  }
  return 1 / (static_cast<double>(x.K) * D);
}

void check_labels(const CrossEntropy& x) {
  for (std::int64_t b = 0; x.labels && b < x.B; ++b)
    if (x.labels[b] < 0 || x.labels[b] >= x.classes)
      throw std::invalid_argument("label " + std::to_string(x.labels[b]) + " of sample " + std::to_string(b) +
                                  " is none of the " + std::to_string(x.classes) + " classes of logits [" +
                                  (x.K > 1 ? std::to_string(x.K) + ", " : "") + std::to_string(x.B) + ", " +
                                  std::to_string(x.classes) + "]");
}

}  // namespace

void softmax_cross_entropy_forward(Cpu, const CrossEntropy& x, const float* logits, float* loss) {
  check_labels(x);
  *loss = 0;
  if (x.B == 0) return;
  double sum = 0;
  for (std::int64_t k = 0; k < x.K; ++k)
    for (std::int64_t b = 0; b < x.B; ++b) {
      const double entropy = cross_entropy(x, b, logits + (k * x.B + b) * x.classes);
      sum += x.region_weights ? x.region_weights[b * x.K + k] * entropy : entropy;
    }
  *loss = static_cast<float>(sum * factor(x));
}

void softmax_cross_entropy_backward(Cpu, const CrossEntropy& x, const float* logits, const float* dloss,
                                    Gradient<float> dlogits, Gradient<float> dregion_weights) {
  if (x.B == 0) return;
  const double scale = *dloss * factor(x);
  for (std::int64_t k = 0; k < x.K; ++k)
    for (std::int64_t b = 0; b < x.B; ++b) {
      const std::int64_t at = (k * x.B + b) * x.classes;
      const float* l = logits + at;
      if (dregion_weights)
        put(static_cast<float>(scale * cross_entropy(x, b, l)), dregion_weights.write,
            dregion_weights.data[b * x.K + k]);
      if (!dlogits) continue;
      const double log_sum = log_sum_exp(x, l);
      const double weight = x.region_weights ? scale * x.region_weights[b * x.K + k] : scale;
      double mass = 0;
      for (std::int64_t c = 0; c < x.classes; ++c) mass += weighted_target(x, b, c);
      for (std::int64_t c = 0; c < x.classes; ++c)
        put(static_cast<float>(weight * (std::exp(l[c] - log_sum) * mass - weighted_target(x, b, c))),
            dlogits.write, dlogits.data[at + c]);
    }
}

}  // namespace fermion::kernels
