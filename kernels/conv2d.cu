#include "kernels/channel_statistics.h"
#include "kernels/conv2d.h"
#include "kernels/conv_forward_mma.h"
#include "kernels/conv_images_mma.h"
#include "kernels/conv_operands.cuh"
#include "kernels/gemm.cuh"
#include "kernels/gemm_operands.cuh"

namespace fermion::kernels {

template <class T>
void conv2d_forward(Cuda ctx, const Conv2d& dims, const Conv2dInput<T>& x, const float* weight,
                    const Conv2dOutput<T>& y) {
  if constexpr (std::is_same_v<T, bf16>) {
    if (fits_tensor_cores(dims) && conv2d_forward_mma(ctx, dims, x, weight, y)) return;
    if (are_images(dims, x)) return conv2d_images_forward_mma(ctx, dims, x, weight, y);
  }
  const std::int64_t pixels = dims.N * dims.Ho() * dims.Wo(), depth = dims.kernel * dims.kernel * dims.Ci();
  with_gemm_vectors<T>({dims.first_channels, dims.second_channels}, [&](auto vector, auto floats) {
    const Gemm product{dims.K, pixels, dims.Co, depth};
    const Patches<T, vector()> patches{window_of(dims), pixels, x, dims.first_channels, dims.second_channels};
    pixel_gemm(ctx, product, patches, rows<floats()>(weight, dims.Co * depth, depth),
               StoreRows<T>{.to = y.y, .bias = y.bias, .relu = y.relu});
  });
  if (y.mean) channel_statistics(ctx, dims.K, pixels, dims.Co, y.y, y.mean, y.inv_std);
}

template void conv2d_forward(Cuda, const Conv2d&, const Conv2dInput<float>&, const float*,
                             const Conv2dOutput<float>&);
template void conv2d_forward(Cuda, const Conv2d&, const Conv2dInput<bf16>&, const float*,
                             const Conv2dOutput<bf16>&);

}  // namespace fermion::kernels
