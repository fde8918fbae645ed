// Which shapes tensor cores take: decided on the host, in builds without CUDA too.
#include <cstdint>

#include "kernels/attention_mma.h"
#include "kernels/conv_forward_mma.h"
#include "kernels/conv_gradient_mma.h"
#include "kernels/conv_images_mma.h"
#include "kernels/conv_transpose2d_mma.h"

namespace fermion::kernels {

bool fits_tensor_cores(const Conv2d& dims) {
  const std::int64_t all = dims.K * dims.N * dims.H * dims.W;
  return (dims.stride == 1 || dims.kernel == 3) && dims.first_channels % 16 == 0 &&
         dims.second_channels % 16 == 0 && dims.Co % 8 == 0 && all < INT32_MAX;
}

bool gradient_fits_tensor_cores(const Conv2d& dims) {
  return fits_tensor_cores(dims) && dims.Co % 16 == 0;
}

bool are_images(const Conv2d& dims, const Conv2dInput<bf16>& x) {
  return dims.kernel == 3 && dims.stride == 1 && dims.first_channels == 3 && dims.second_channels == 0 &&
         dims.Co % 8 == 0 && dims.K * dims.N * dims.H * dims.W < INT32_MAX && !x.first.norm;
}

bool fits_tensor_cores(const ConvTranspose2d& dims) {
  return dims.Ci % 16 == 0 && dims.Co % 8 == 0 && 4 * dims.N * dims.H * dims.W < INT32_MAX;
}

bool gradient_fits_tensor_cores(const ConvTranspose2d& dims) {
  return fits_tensor_cores(dims) && dims.Co % 16 == 0;
}

bool fits_tensor_cores(const Attention& dims) {
  constexpr int most_rows = 128;  // of a block, and as many again that it only looks at
  return (dims.d == 32 || dims.d == 64 || dims.d == 128) && dims.positions < INT32_MAX - 2 * most_rows;
}

}  // namespace fermion::kernels
