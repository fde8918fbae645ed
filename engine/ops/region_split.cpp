#include "kernels/region_split.h"

#include "engine/ops.h"

namespace fermion::engine {

Tensor region_split(Tape& tape, const Feature& x, int grid, int overlap) {
  const Shape& s = x.y.shape();
  if (s.rank() != 4) throw Error("{}/region_split reads [N, H, W, C], not {}", tape.path(), s.text());
  if (grid < 1 || overlap < 0)
    throw Error("{}/region_split: grid {} and overlap {}; the grid starts at 1, the overlap at 0",
                tape.path(), grid, overlap);
  const kernels::RegionSplit dims{s[0], s[1], s[2], s[3], grid, overlap};
  const std::int64_t h = dims.rows().window(), w = dims.columns().window();
  if (h < 1 || w < 1)
    throw Error("{}/region_split: a grid of {} has empty regions on {} x {} pixels; use a smaller grid",
                tape.path(), grid, s[1], s[2]);
  const Tensor y = Tensor::empty(tape.device(), x.y.dtype(), {std::int64_t{grid} * grid, s[0], h, w, s[3]});
  tape.op(
      "region_split", {{x.y}}, {y},
      [&]<class T>(auto ctx, Type<T>) { kernels::region_split_forward(ctx, dims, x.view<T>(), y.data<T>()); },
      [=]<class T>(auto ctx, Type<T>) {
        kernels::region_split_backward(ctx, dims, x.view<T>(), y.gradient().template data<T>(),
                                       x.take_gradient<T>());
      });
  return y;
}

}  // namespace fermion::engine
