#include "kernels/region_join.h"

#include "engine/ops.h"

namespace fermion::engine {
namespace {

kernels::RegionJoin join_dims(const Tape& tape, const Tensor& f, const Tensor& w, const Tensor& g) {
  const auto text = [](const Tensor& t) { return t ? t.shape().text() : std::string("none"); };
  if (!f && !g) throw Error("{}/region_join: there is nothing to join", tape.path());
  kernels::RegionJoin dims;
  bool fits = true;
  if (f) {
    fits = f.shape().rank() == 3;
    if (fits) dims = {f.shape()[1], f.shape()[0], f.shape()[2], 0};
  }
  if (g) {
    fits = fits && g.shape().rank() == 2 && (!f || g.shape()[0] == dims.B);
    if (fits) dims.B = g.shape()[0], dims.G = g.shape()[1];
  }
  if (f && w) fits = fits && w.shape() == Shape{dims.B, dims.K};
  if (!fits)
    throw Error("{}/region_join: f [K, B, C], w [B, K] and g [B, G] do not fit: {}, {}, {}", tape.path(),
                text(f), text(w), text(g));
  return dims;
}

template <class T>
const T* data_or_null(const Tensor& tensor) {
  return tensor ? tensor.data<T>() : nullptr;
}

}  // namespace

Tensor region_join(Tape& tape, const Tensor& f, const Tensor& w, const Tensor& g) {
  const kernels::RegionJoin dims = join_dims(tape, f, w, g);
  const Tensor weights = f ? w : Tensor();
  const Tensor z = Tensor::empty(tape.device(), (f ? f : g).dtype(), {dims.B, dims.width()});
  tape.op(
      "region_join", {{f, g}, {weights}}, {z},
      [&]<class T>(auto ctx, Type<T>) {
        kernels::region_join_forward(ctx, dims, data_or_null<T>(f), data_or_null<float>(weights),
                                     data_or_null<T>(g), z.data<T>());
      },
      [=]<class T>(auto ctx, Type<T>) {
        kernels::region_join_backward(ctx, dims, data_or_null<T>(f), data_or_null<float>(weights),
                                      z.gradient().template data<T>(), f.take_gradient<T>(),
                                      weights.take_gradient<float>(), g.take_gradient<T>());
      });
  return z;
}

}  // namespace fermion::engine
