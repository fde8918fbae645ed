#include "kernels/conv_operands.cuh"
#include "kernels/conv_transpose2d.h"
#include "kernels/conv_transpose2d_mma.h"
#include "kernels/gemm.cuh"
#include "kernels/gemm_operands.cuh"

namespace fermion::kernels {
namespace {

constexpr std::int64_t taps = 4;

// y's pixels under one of x, and x's pixels themselves.
Window doubled(const ConvTranspose2d& dims) {
  return {2 * dims.H, 2 * dims.W, dims.H, dims.W, 2, 2, 0};
}
Window single(const ConvTranspose2d& dims) {
  return {dims.H, dims.W, dims.H, dims.W, 1, 1, 0};
}

// Weights [Co, taps, Ci] as rows tap Co + co of Ci numbers.
template <int V>
struct TapRows {
  static constexpr int vector = V;
  static constexpr bool along_depth = true;
  using Line = const float*;

  const float* weight;
  std::int64_t Co, Ci;

  __device__ Line line(std::int64_t, std::int64_t row) const {
    return weight + (row % Co * taps + row / Co) * Ci;
  }
  __device__ Floats<V> load(Line line, std::int64_t d) const { return kernels::load<V>(line + d); }
};

// x's pixels by tap Co + co, to y.
template <class T>
struct StoreDoubled {
  T* y;
  std::int64_t H, W, Co;

  template <int V>
  __device__ void operator()(const Gemm&, std::int64_t, std::int64_t, std::int64_t m, std::int64_t n,
                             Floats<V> c) const {
    const std::int64_t row = m / W, w = m - row * W;  // row: n H + h
    if (Co % V == 0) {
      const std::int64_t tap = n / Co, co = n - tap * Co;
      store(y + ((2 * row + tap / 2) * 2 * W + 2 * w + tap % 2) * Co + co, c);
      return;
    }
#pragma unroll
    for (int i = 0; i < V; ++i) {
      const std::int64_t tap = (n + i) / Co, co = n + i - tap * Co;
      y[((2 * row + tap / 2) * 2 * W + 2 * w + tap % 2) * Co + co] = from_float<T>(c[i]);
    }
  }
};

// Rows tap Co + co of dweight, each split's to an array of its own.
struct StoreTaps {
  Gradient<float> to;
  std::int64_t Co;

  template <int V>
  __device__ void operator()(const Gemm& dims, std::int64_t, std::int64_t split, std::int64_t m,
                             std::int64_t n, Floats<V> c) const {
    const std::int64_t tap = m / Co, co = m - tap * Co;
    put(to.data + ((split * Co + co) * taps + tap) * dims.N + n, c, to.write);
  }
};

template <class T>
void weight_gradient(Cuda ctx, const ConvTranspose2d& dims, const Feature<T>& x, const T* dy,
                     Gradient<float> dweight) {
  if constexpr (std::is_same_v<T, bf16>)
    if (fits_tensor_cores(dims)) return conv_transpose2d_weight_gradient_mma(ctx, dims, x, dy, dweight);
  const auto [N, H, W, Ci, Co] = dims;
  const std::int64_t pixels = N * H * W;
  with_gemm_vectors<T>({Ci, Co}, [&](auto vector, auto) {
    split_gemm(ctx, {1, taps * Co, Ci, pixels}, dweight, [&](const Gemm& split, Gradient<float> to) {
      gemm<GemmTile<64, 64>>(
          ctx, split, PatchColumns<T, vector(), NoNorm<vector()>>{doubled(dims), pixels, {{dy}, {}}, Co, 0},
          PatchColumns<T, vector()>{single(dims), pixels, {x, {}}, Ci, 0}, StoreTaps{to, Co});
    });
  });
}

template <class T>
void input_gradient(Cuda ctx, const ConvTranspose2d& dims, const Feature<T>& x, const float* weight,
                    const T* dy, const FeatureGradient<T>& dx) {
  if constexpr (std::is_same_v<T, bf16>)
    if (gradient_fits_tensor_cores(dims))
      return conv_transpose2d_input_gradient_mma(ctx, dims, x, weight, dy, dx);
  const auto [N, H, W, Ci, Co] = dims;
  with_gemm_vectors<T>({Ci, Co}, [&](auto vector, auto floats) {
    feature_gemm(ctx, {1, N, H, W, Ci}, taps * Co,
                 Patches<T, vector(), NoNorm<vector()>>{doubled(dims), N * H * W, {{dy}, {}}, Co, 0},
                 TapColumns<floats()>{weight, Co, taps, Ci, 0}, x, dx);
  });
}

}  // namespace

template <class T>
void conv_transpose2d_forward(Cuda ctx, const ConvTranspose2d& dims, const Feature<T>& x, const float* weight,
                              T* y) {
  if constexpr (std::is_same_v<T, bf16>)
    if (fits_tensor_cores(dims)) return conv_transpose2d_forward_mma(ctx, dims, x, weight, y);
  const auto [N, H, W, Ci, Co] = dims;
  with_gemm_vectors<T>({Ci}, [&](auto vector, auto floats) {
    const Gemm product{1, N * H * W, taps * Co, Ci};
    pixel_gemm(ctx, product, Patches<T, vector()>{single(dims), product.M, {x, {}}, Ci, 0},
               TapRows<floats()>{weight, Co, Ci}, StoreDoubled<T>{y, H, W, Co});
  });
}

template <class T>
void conv_transpose2d_backward(Cuda ctx, const ConvTranspose2d& dims, const Feature<T>& x,
                               const float* weight, const T* dy, const FeatureGradient<T>& dx,
                               Gradient<float> dweight) {
  if (dweight) weight_gradient(ctx, dims, x, dy, dweight);
  if (dx.da) input_gradient(ctx, dims, x, weight, dy, dx);
}

template void conv_transpose2d_forward(Cuda, const ConvTranspose2d&, const Feature<float>&, const float*,
                                       float*);
template void conv_transpose2d_forward(Cuda, const ConvTranspose2d&, const Feature<bf16>&, const float*,
                                       bf16*);
template void conv_transpose2d_backward(Cuda, const ConvTranspose2d&, const Feature<float>&, const float*,
                                        const float*, const FeatureGradient<float>&, Gradient<float>);
template void conv_transpose2d_backward(Cuda, const ConvTranspose2d&, const Feature<bf16>&, const float*,
                                        const bf16*, const FeatureGradient<bf16>&, Gradient<float>);

}  // namespace fermion::kernels
