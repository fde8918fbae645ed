#include "kernels/region_split.h"

#include "engine/ops.h"

namespace fermion::engine {

Tensor region_split(Tape& tape, const Feature& x, int grid, int overlap) {
  const kernels::ImageDims image = x.dims();
  if (image.K != 1 || grid < 1 || overlap < 0 || image.H < grid || image.W < grid)
    throw Error("{}/region_split: features {} cannot be cut into {} x {} regions with overlap {}",
                tape.path(), x.y.shape().text(), grid, grid, overlap);
  const kernels::RegionSplit dims{image.N, image.H, image.W, image.C, grid, overlap};
  const Tensor y = Tensor::empty(
      tape.device(), x.y.dtype(),
      {std::int64_t{grid} * grid, image.N, dims.rows().window(), dims.columns().window(), image.C});
  tape.op(
      "region_split", {x.y}, {y},
      [&]<class T>(auto ctx, Type<T>) { kernels::region_split_forward(ctx, dims, x.view<T>(), y.data<T>()); },
      [=]<class T>(auto ctx, Type<T>) {
        kernels::region_split_backward(ctx, dims, x.view<T>(), y.gradient().template data<T>(),
                                       x.take_gradient<T>());
      });
  return y;
}

}  // namespace fermion::engine
