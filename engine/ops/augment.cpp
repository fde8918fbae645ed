#include "kernels/augment.h"

#include <limits>

#include "engine/ops.h"

namespace fermion::engine {

Tensor augment(Tape& tape, const Tensor& images, const Tensor& parameters, const Tensor& mean,
               const Tensor& inv_std, DType dtype) {
  const Shape shape = images.shape();
  if (images.dtype() != DType::u8 || shape.rank() != 4 || shape[3] != 3)
    throw Error("{}/augment: images are u8 [N, H, W, 3], not {} {}", tape.path(), name_of(images.dtype()),
                shape.text());
  if (!(parameters.shape() == Shape{shape[0], kernels::augment_parameter_count}))
    throw Error("{}/augment: images {} need parameters [{}, {}], not {}", tape.path(), shape.text(), shape[0],
                kernels::augment_parameter_count, parameters.shape().text());
  for (const Tensor& statistic : {mean, inv_std})
    if (!(statistic.shape() == Shape{3}))
      throw Error("{}/augment: mean and inv_std are [3], not {}", tape.path(), statistic.shape().text());
  for (const Tensor& input : {parameters, mean, inv_std})
    if (input.wants_gradient())
      throw Error("{}/augment: its inputs get no gradient, but one wants it", tape.path());
  if (shape[1] * shape[2] * 3 >= std::numeric_limits<std::int32_t>::max())
    throw Error("{}/augment: an image of {} x {} px is too large", tape.path(), shape[2], shape[1]);
  const Tensor out = Tensor::empty(tape.device(), dtype, shape);
  tape.op(
      "augment", {.floats = {parameters, mean, inv_std}, .others = {images}}, {out},
      [&]<class T>(auto ctx, Type<T>) {
        kernels::augment_forward(
            ctx, {shape[0], shape[1], shape[2]}, images.data<std::uint8_t>(),
            reinterpret_cast<const kernels::AugmentParameters*>(parameters.data<float>()), mean.data<float>(),
            inv_std.data<float>(), out.data<T>());
      },
      [](auto, auto) {});
  return out;
}

}  // namespace fermion::engine
