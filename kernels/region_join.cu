#include <numeric>

#include "kernels/reduce.cuh"
#include "kernels/region_join.h"
#include "kernels/vec.cuh"

namespace fermion::kernels {
namespace {

constexpr int threads = 256, warps = threads / 32;

// One warp takes one part of one z_b: a region's C numbers, or the G of the tail.
struct Part {
  std::int64_t b, k;
  bool tail;
  std::int64_t size;
  std::int64_t at_z;  // where it starts in z
  std::int64_t at;    // and in f or g

  __device__ Part(const RegionJoin& dims, std::int64_t index) {
    const std::int64_t parts = dims.K + 1;
    b = index / parts;
    k = index % parts;
    tail = k == dims.K;
    size = tail ? dims.G : dims.C;
    at_z = b * dims.width() + k * dims.C;
    at = tail ? b * dims.G : (k * dims.B + b) * dims.C;
  }
};

template <int N, class T>
__global__ void __launch_bounds__(threads)
    join(RegionJoin dims, const T* f, const float* w, const T* g, T* z) {
  const std::int64_t index = static_cast<std::int64_t>(blockIdx.x) * warps + threadIdx.x / 32;
  if (index >= dims.B * (dims.K + 1)) return;
  const Part part(dims, index);
  const T* from = (part.tail ? g : f) + part.at;
  const float weight = w && !part.tail ? w[part.b * dims.K + part.k] : 1.0f;
  for (std::int64_t c = threadIdx.x % 32 * N; c < part.size; c += 32 * N) {
    Floats<N> values = load<N>(from + c);
#pragma unroll
    for (int i = 0; i < N; ++i) values[i] *= weight;
    store(z + part.at_z + c, values);
  }
}

template <int N, class T>
__global__ void __launch_bounds__(threads)
    join_gradients(RegionJoin dims, const T* f, const float* w, const T* dz, Gradient<T> df,
                   Gradient<float> dw, Gradient<T> dg) {
  const std::int64_t index = static_cast<std::int64_t>(blockIdx.x) * warps + threadIdx.x / 32;
  if (index >= dims.B * (dims.K + 1)) return;
  const Part part(dims, index);
  const Gradient<T> to = part.tail ? dg : df;
  const bool wants_dw = dw && !part.tail;
  const std::int64_t region = part.b * dims.K + part.k;
  const float weight = w && !part.tail ? w[region] : 1.0f;
  float sum = 0;
  for (std::int64_t c = threadIdx.x % 32 * N; c < part.size; c += 32 * N) {
    Floats<N> d = load<N>(dz + part.at_z + c);
    if (wants_dw) {
      const Floats<N> values = load<N>(f + part.at + c);
#pragma unroll
      for (int i = 0; i < N; ++i) sum = fmaf(values[i], d[i], sum);
    }
    if (!to) continue;
#pragma unroll
    for (int i = 0; i < N; ++i) d[i] *= weight;
    put(to.data + part.at + c, d, to.write);
  }
  if (!wants_dw) return;
  sum = warp_sum(sum);
  if (threadIdx.x % 32 == 0) put<1>(dw.data + region, {sum}, dw.write);
}

// A row of z starts where a vector does when both kinds of parts are made of whole ones.
template <class T, class Body>
void with_part_vectors(const RegionJoin& dims, Body&& body) {
  with_vectors<T>(std::gcd(dims.C, dims.G), body);
}

Grid grid_of(const RegionJoin& dims) {
  return {blocks_for(dims.B * (dims.K + 1), warps)};
}

}  // namespace

template <class T>
void region_join_forward(Cuda ctx, const RegionJoin& dims, const T* f, const float* w, const T* g, T* z) {
  with_part_vectors<T>(dims, [&](auto vector) {
    launch(ctx, join<vector(), T>, grid_of(dims), threads, 0, dims, f, w, g, z);
  });
}

template <class T>
void region_join_backward(Cuda ctx, const RegionJoin& dims, const T* f, const float* w, const T* dz,
                          Gradient<T> df, Gradient<float> dw, Gradient<T> dg) {
  with_part_vectors<T>(dims, [&](auto vector) {
    launch(ctx, join_gradients<vector(), T>, grid_of(dims), threads, 0, dims, f, w, dz, df, dw, dg);
  });
}

template void region_join_forward(Cuda, const RegionJoin&, const float*, const float*, const float*, float*);
template void region_join_forward(Cuda, const RegionJoin&, const bf16*, const float*, const bf16*, bf16*);
template void region_join_backward(Cuda, const RegionJoin&, const float*, const float*, const float*,
                                   Gradient<float>, Gradient<float>, Gradient<float>);
template void region_join_backward(Cuda, const RegionJoin&, const bf16*, const float*, const bf16*,
                                   Gradient<bf16>, Gradient<float>, Gradient<bf16>);

}  // namespace fermion::kernels
