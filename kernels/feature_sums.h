// Sums over pixels of da and da x_hat, for readers of features: each chunk of pixels owns one row [2, C], and
// add_to() adds the rows up in order, so that the bits depend on the chunks and not on who ran them.
#pragma once

#include "kernels/feature.h"

namespace fermion::kernels {

class FeatureSums {
 public:
  // All rows start at zero. Chunks should hold some hundred to some thousand pixels: rows are summed in f32
  // inside, in f64 across.
  FeatureSums(Workspace& workspace, std::int64_t K, std::int64_t chunks, std::int64_t C);

  float* da(std::int64_t k, std::int64_t chunk) const { return rows_ + (k * chunks_ + chunk) * 2 * C_; }
  float* da_x_hat(std::int64_t k, std::int64_t chunk) const { return da(k, chunk) + C_; }

  // Adds the sums to gradient's; does nothing where there is no norm.
  void add_to(const FeatureGradient<float>& gradient) const;

 private:
  std::int64_t K_, chunks_, C_;
  float* rows_;
};

}  // namespace fermion::kernels
