#include "kernels/feature.cuh"
#include "kernels/residual_add.h"

namespace fermion::kernels {
namespace {

constexpr int threads = 256;

// One thread adds N channels of one pixel.
template <int N, class T>
__global__ void __launch_bounds__(threads)
    add(std::int64_t vectors, std::int64_t per_set, std::int64_t C, Feature<T> a, Feature<T> b, T* y) {
  const std::int64_t vector = static_cast<std::int64_t>(blockIdx.x) * threads + threadIdx.x;
  if (vector >= vectors) return;
  const std::int64_t at = vector * N, channel = at / per_set * C + at % C;
  const Floats<N> va = ChannelNorm<N>(a.norm, channel).value(load<N>(a.y + at));
  const Floats<N> vb = ChannelNorm<N>(b.norm, channel).value(load<N>(b.y + at));
  Floats<N> sum;
#pragma unroll
  for (int i = 0; i < N; ++i) sum[i] = va[i] + vb[i];
  store(y + at, sum);
}

}  // namespace

template <class T>
void residual_add_forward(Cuda ctx, const ImageDims& dims, Feature<T> a, Feature<T> b, T* y) {
  with_vectors<T>(dims.C, [&](auto vector) {
    constexpr int N = vector();
    const std::int64_t vectors = dims.size() / N;
    launch(ctx, add<N, T>, {blocks_for(vectors, threads)}, threads, 0, vectors,
           dims.N * dims.H * dims.W * dims.C, dims.C, a, b, y);
  });
}

template <class T>
void residual_add_backward(Cuda ctx, const ImageDims& dims, Feature<T> x, const T* dy,
                           FeatureGradient<T> dx) {
  feature_backward(ctx, dims, x, dx, StoredGradient<T>{dy, dims.C});
}

template void residual_add_forward(Cuda, const ImageDims&, Feature<float>, Feature<float>, float*);
template void residual_add_forward(Cuda, const ImageDims&, Feature<bf16>, Feature<bf16>, bf16*);
template void residual_add_backward(Cuda, const ImageDims&, Feature<float>, const float*,
                                    FeatureGradient<float>);
template void residual_add_backward(Cuda, const ImageDims&, Feature<bf16>, const bf16*,
                                    FeatureGradient<bf16>);

}  // namespace fermion::kernels
