#include "kernels/feature.cuh"
#include "kernels/row_sums.cuh"

namespace fermion::kernels {
namespace {

__global__ void add_rows(std::int64_t chunks, std::int64_t C, const float* partials, float* sum_da,
                         float* sum_da_x_hat) {
  const std::int64_t k = blockIdx.z, c = row_channel();
  double da = 0, da_x_hat = 0;
  if (c < C)
#pragma unroll 4
    for (std::int64_t chunk = threadIdx.y; chunk < chunks; chunk += row_threads) {
      const float* row = partials + (k * chunks + chunk) * 2 * C + c;
      da += row[0];
      da_x_hat += row[C];
    }
  da = sum_rows(da);
  __syncthreads();
  da_x_hat = sum_rows(da_x_hat);
  if (threadIdx.y != 0 || c >= C) return;
  sum_da[k * C + c] += static_cast<float>(da);
  sum_da_x_hat[k * C + c] += static_cast<float>(da_x_hat);
}

}  // namespace

void add_feature_sums(Cuda ctx, std::int64_t K, std::int64_t chunks, std::int64_t C, const float* partials,
                      float* sum_da, float* sum_da_x_hat) {
  launch(ctx, add_rows, {blocks_for(C, row_channels), 1, K}, dim3(row_channels, row_threads), 0, chunks, C,
         partials, sum_da, sum_da_x_hat);
}

}  // namespace fermion::kernels
