#include "engine/feature.h"

namespace fermion::engine {

kernels::ImageDims Feature::dims(const std::string& op) const {
  const Shape& s = y.shape();
  if (s.rank() == 4) return {1, s[0], s[1], s[2], s[3]};
  if (s.rank() == 5) return {s[0], s[1], s[2], s[3], s[4]};
  throw Error("{}: a feature is [N, H, W, C] or [K, N, H, W, C], not {}", op, s.text());
}

kernels::Norm Feature::norm() const {
  if (!has_norm()) return {};
  const float* values = statistics.data<float>();
  return {gain.data<float>(), shift.data<float>(), values, values + gain.size(), relu};
}

void Feature::take_sums(float*& sum_da, float*& sum_da_x_hat) const {
  statistics.want_gradient();
  const kernels::Gradient<float> sums = statistics.take_gradient<float>();
  if (sums.write == kernels::Write::overwrite) statistics.gradient().fill_zero();
  sum_da = sums.data;
  sum_da_x_hat = sums.data + gain.size();
}

}  // namespace fermion::engine
