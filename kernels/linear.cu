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

}  // namespace

template <class T>
void linear_forward(Cuda ctx, const Linear& dims, const T* x, const float* weight, const float* bias, T* y) {
  const auto [K, M, Ci, Co] = dims;
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
