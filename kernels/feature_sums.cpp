#include "kernels/feature_sums.h"

#include <algorithm>

namespace fermion::kernels {

FeatureSums::FeatureSums(Workspace& workspace, std::int64_t K, std::int64_t chunks, std::int64_t C)
    : K_(K), chunks_(chunks), C_(C), rows_(workspace.take<float>(K * chunks * 2 * C)) {
  std::fill_n(rows_, K * chunks * 2 * C, 0.0f);
}

void FeatureSums::add_to(const FeatureGradient<float>& gradient) const {
  if (!gradient.sum_da) return;
  for (std::int64_t k = 0; k < K_; ++k)
    for (std::int64_t c = 0; c < C_; ++c) {
      double sum_da = 0, sum_da_x_hat = 0;
      for (std::int64_t chunk = 0; chunk < chunks_; ++chunk) {
        sum_da += da(k, chunk)[c];
        sum_da_x_hat += da_x_hat(k, chunk)[c];
      }
      gradient.sum_da[k * C_ + c] += static_cast<float>(sum_da);
      gradient.sum_da_x_hat[k * C_ + c] += static_cast<float>(sum_da_x_hat);
    }
}

}  // namespace fermion::kernels
