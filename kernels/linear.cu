#include "kernels/gemm.cuh"
#include "kernels/gemm_operands.cuh"
#include "kernels/linear.h"

namespace fermion::kernels {
namespace {

using Tile = GemmTile<64, 64>;

constexpr int bias_columns = 32, bias_rows = 8;

// dbias of 32 outputs: each of eight threads adds up every eighth row, one of them the eight sums.
template <class T>
__global__ void sum_rows(std::int64_t M, std::int64_t Co, const T* dy, Gradient<float> dbias) {
  __shared__ double sums[bias_rows][bias_columns];
  const std::int64_t k = blockIdx.z, o = static_cast<std::int64_t>(blockIdx.x) * bias_columns + threadIdx.x;
  double sum = 0;
  if (o < Co)
    for (std::int64_t m = threadIdx.y; m < M; m += bias_rows) sum += to_float(dy[(k * M + m) * Co + o]);
  sums[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y != 0 || o >= Co) return;
  for (int row = 1; row < bias_rows; ++row) sum += sums[row][threadIdx.x];
  put(dbias.data + k * Co + o, Floats<1>{static_cast<float>(sum)}, dbias.write);
}

// Of few outputs, a tile of a product would be mostly empty, and one block would walk along all of Ci. Here a
// block makes up to eight outputs of one row; its threads share out Ci.
constexpr int dot_outputs = 8, dot_threads = 256;

template <int N, class T>
__global__ void __launch_bounds__(dot_threads)
    dot(Linear dims, const T* x, const float* weight, const float* bias, T* y) {
  const std::int64_t k = blockIdx.z, row = k * dims.M + blockIdx.x, first = blockIdx.y * dot_outputs;
  const int outputs = static_cast<int>(min(std::int64_t{dot_outputs}, dims.Co - first));
  const float* w = weight + (k * dims.Co + first) * dims.Ci;
  float sums[dot_outputs] = {};
  for (std::int64_t c = std::int64_t{threadIdx.x} * N; c < dims.Ci; c += dot_threads * N) {
    const Floats<N> values = load<N>(x + row * dims.Ci + c);
#pragma unroll
    for (int o = 0; o < dot_outputs; ++o) {
      if (o >= outputs) break;
      const Floats<N> weights = load<N>(w + o * dims.Ci + c);
#pragma unroll
      for (int i = 0; i < N; ++i) sums[o] = fmaf(values[i], weights[i], sums[o]);
    }
  }
  constexpr int warps = dot_threads / 32;
  __shared__ float of_warps[warps][dot_outputs];
#pragma unroll
  for (int o = 0; o < dot_outputs; ++o) {
    for (int lanes = 16; lanes > 0; lanes /= 2) sums[o] += __shfl_xor_sync(0xFFFFFFFF, sums[o], lanes);
    if (threadIdx.x % 32 == 0) of_warps[threadIdx.x / 32][o] = sums[o];
  }
  __syncthreads();
  const int o = static_cast<int>(threadIdx.x);
  if (o >= outputs) return;
  float sum = bias ? bias[k * dims.Co + first + o] : 0;
  for (int warp = 0; warp < warps; ++warp) sum += of_warps[warp][o];
  store(y + row * dims.Co + first + o, Floats<1>{sum});
}

}  // namespace

template <class T>
void linear_forward(Cuda ctx, const Linear& dims, const T* x, const float* weight, const float* bias, T* y) {
  const auto [K, M, Ci, Co] = dims;
  if (Co <= 2 * dot_outputs)
    return with_vectors<T>(Ci, [&](auto vector) {
      launch(ctx, dot<vector(), T>, {M, blocks_for(Co, dot_outputs), K}, dot_threads, 0, dims, x, weight,
             bias, y);
    });
  with_gemm_vectors<T>({Ci}, [&](auto vector, auto floats) {
    gemm<Tile>(ctx, {K, M, Co, Ci}, rows<vector()>(x, M * Ci, Ci), rows<floats()>(weight, Co * Ci, Ci),
               StoreRows<T>{.to = y, .bias = bias});
  });
}

template <class T>
void linear_backward(Cuda ctx, const Linear& dims, const T* x, const float* weight, const T* dy,
                     Gradient<T> dx, Gradient<float> dweight, Gradient<float> dbias) {
  const auto [K, M, Ci, Co] = dims;
  with_gemm_vectors<T>({Ci, Co}, [&](auto vector, auto floats) {
    if (dx)
      gemm<Tile>(ctx, {K, M, Ci, Co}, rows<vector()>(dy, M * Co, Co), columns<floats()>(weight, Co * Ci, Ci),
                 StoreRows<T>{dx.data, dx.write});
    if (dweight)
      split_gemm(ctx, {K, Co, Ci, M}, dweight, [&](const Gemm& split, Gradient<float> to) {
        gemm<Tile>(ctx, split, columns<vector()>(dy, M * Co, Co), columns<vector()>(x, M * Ci, Ci),
                   StoreRows<float>{to.data, to.write});
      });
  });
  if (dbias)
    launch(ctx, sum_rows<T>, {blocks_for(Co, bias_columns), 1, K}, dim3(bias_columns, bias_rows), 0, M, Co,
           dy, dbias);
}

template void linear_forward(Cuda, const Linear&, const float*, const float*, const float*, float*);
template void linear_forward(Cuda, const Linear&, const bf16*, const float*, const float*, bf16*);
template void linear_backward(Cuda, const Linear&, const float*, const float*, const float*, Gradient<float>,
                              Gradient<float>, Gradient<float>);
template void linear_backward(Cuda, const Linear&, const bf16*, const float*, const bf16*, Gradient<bf16>,
                              Gradient<float>, Gradient<float>);

}  // namespace fermion::kernels
