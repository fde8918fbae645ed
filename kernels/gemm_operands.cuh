// Matrices as operands of kernels/gemm.cuh.
#pragma once

#include "kernels/vec.cuh"

namespace fermion::kernels {

// Rows that lie `stride` numbers apart, weight sets that lie `set` apart. Along the depth, the rows are the
// operand's; else they are its depth: the operand is the matrix transposed.
template <class T, int V, bool AlongDepth>
struct Matrix {
  static constexpr int vector = V;
  static constexpr bool along_depth = AlongDepth;
  using Line = const T*;

  const T* data;
  std::int64_t set, stride;

  __device__ Line line(std::int64_t k, std::int64_t outer) const {
    return data + k * set + outer * (AlongDepth ? stride : 1);
  }
  __device__ Floats<V> load(Line line, std::int64_t d) const {
    return kernels::load<V>(line + d * (AlongDepth ? 1 : stride));
  }
};

template <int V, class T>
Matrix<T, V, true> rows(const T* data, std::int64_t set, std::int64_t stride) {
  return {data, set, stride};
}
template <int V, class T>
Matrix<T, V, false> columns(const T* data, std::int64_t set, std::int64_t stride) {
  return {data, set, stride};
}

// Vectors of T where `lengths`, the lengths of all that is read along them, allow it: calls
// body(integral_constant<int, for T>, integral_constant<int, for float>).
template <class T, class Body>
void with_gemm_vectors(std::initializer_list<std::int64_t> lengths, Body&& body) {
  bool wide = true;
  for (const std::int64_t length : lengths) wide = wide && length % widest<T> == 0;
  if (wide)
    body(std::integral_constant<int, widest<T>>{}, std::integral_constant<int, widest<float>>{});
  else
    body(std::integral_constant<int, 1>{}, std::integral_constant<int, 1>{});
}

}  // namespace fermion::kernels
