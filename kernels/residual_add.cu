#include "kernels/feature.cuh"
#include "kernels/residual_add.h"

namespace fermion::kernels {
namespace {

// One thread adds N channels of some pixels.
template <int N, class T>
__global__ void __launch_bounds__(channel_threads) add(ChannelChunks dims, Feature<T> a, Feature<T> b, T* y) {
  const std::int64_t c = dims.channel<N>(), channel = blockIdx.z * dims.C + c;
  if (c >= dims.C) return;
  const ChannelNorm<N> norm_a(a.norm, channel), norm_b(b.norm, channel);
  struct Loaded {
    Vec<T, N> a, b;
  };
  dims.for_each<4>(
      [&](std::int64_t pixel) {
        const std::int64_t at = pixel * dims.C + c;
        return Loaded{stored<N>(a.y + at), stored<N>(b.y + at)};
      },
      [&](std::int64_t pixel, const Loaded& of) {
        Floats<N> sum = norm_a.value(floats(of.a));
        const Floats<N> other = norm_b.value(floats(of.b));
#pragma unroll
        for (int i = 0; i < N; ++i) sum[i] += other[i];
        store(y + pixel * dims.C + c, sum);
      });
}

}  // namespace

template <class T>
void residual_add_forward(Cuda ctx, const ImageDims& dims, Feature<T> a, Feature<T> b, T* y) {
  with_vectors<T>(dims.C, [&](auto vector) {
    const ChannelBlocks blocks = channel_blocks<T>(ctx, dims.K, dims.N * dims.H * dims.W, dims.C, vector());
    launch(ctx, add<vector(), T>, blocks.grid, blocks.block, 0, blocks, a, b, y);
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
