#include "kernels/feature.cuh"

namespace fermion::kernels {
namespace {

__global__ void add_rows(std::int64_t channels, std::int64_t chunks, std::int64_t C, const float* partials,
                         float* sum_da, float* sum_da_x_hat) {
  const std::int64_t channel = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (channel >= channels) return;
  const float* row = partials + channel / C * chunks * 2 * C + channel % C;
  double da = 0, da_x_hat = 0;
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk, row += 2 * C) {
    da += row[0];
    da_x_hat += row[C];
  }
  sum_da[channel] += static_cast<float>(da);
  sum_da_x_hat[channel] += static_cast<float>(da_x_hat);
}

}  // namespace

void add_feature_sums(Cuda ctx, std::int64_t K, std::int64_t chunks, std::int64_t C, const float* partials,
                      float* sum_da, float* sum_da_x_hat) {
  launch(ctx, add_rows, {blocks_for(K * C, 128)}, 128, 0, K * C, chunks, C, partials, sum_da, sum_da_x_hat);
}

}  // namespace fermion::kernels
