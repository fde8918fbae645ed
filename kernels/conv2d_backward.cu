#include "kernels/channel_blocks.cuh"
#include "kernels/conv2d.h"
#include "kernels/conv_forward_mma.h"
#include "kernels/conv_gradient_mma.h"
#include "kernels/conv_images_mma.h"
#include "kernels/conv_operands.cuh"
#include "kernels/conv_wgrad_mma.h"
#include "kernels/gemm.cuh"
#include "kernels/gemm_operands.cuh"

namespace fermion::kernels {
namespace {

// dy = gain inv_std (da - (sum_da + x_hat sum_da_x_hat) / M), where da was; and the norm's own gradients.
template <int N, class T>
__global__ void __launch_bounds__(channel_threads)
    turn_into_dy(ChannelChunks dims, Feature<T> y, Conv2dArrived<T> arrived, Gradient<float> gain,
                 Gradient<float> shift) {
  const std::int64_t c = dims.channel<N>(), channel = blockIdx.z * dims.C + c;
  if (c >= dims.C) return;
  const Floats<N> mean = load<N>(y.norm.mean + channel), inv_std = load<N>(y.norm.inv_std + channel),
                  sum_da = load<N>(arrived.sum_da + channel),
                  sum_da_x_hat = load<N>(arrived.sum_da_x_hat + channel);
  if (blockIdx.y == 0 && threadIdx.y == 0) {
    if (gain) put(gain.data + channel, sum_da_x_hat, gain.write);
    if (shift) put(shift.data + channel, sum_da, shift.write);
  }
  // dy = scale da + slope (y - mean) + constant
  Floats<N> scale = load<N>(y.norm.gain + channel), slope, constant;
  const float share = 1 / static_cast<float>(dims.items);
#pragma unroll
  for (int i = 0; i < N; ++i) {
    scale[i] *= inv_std[i];
    slope[i] = -scale[i] * inv_std[i] * (sum_da_x_hat[i] * share);
    constant[i] = -scale[i] * (sum_da[i] * share);
  }
  struct Loaded {
    Vec<T, N> y, da;
  };
  dims.for_each<4>(
      [&](std::int64_t pixel) {
        const std::int64_t at = pixel * dims.C + c;
        return Loaded{stored<N>(y.y + at), stored<N>(arrived.da + at)};
      },
      [&](std::int64_t pixel, const Loaded& of) {
        const Floats<N> values = floats(of.y);
        Floats<N> d = floats(of.da);
#pragma unroll
        for (int i = 0; i < N; ++i)
          d[i] = fmaf(scale[i], d[i], fmaf(slope[i], values[i] - mean[i], constant[i]));
        store(arrived.da + pixel * dims.C + c, d);
      });
}

template <class T>
void undo_norm(Cuda ctx, const Conv2d& dims, const Feature<T>& y, const Conv2dArrived<T>& arrived,
               const Conv2dGradient<T>& gradient) {
  with_vectors<T>(dims.Co, [&](auto vector) {
    const ChannelBlocks blocks =
        channel_blocks<T>(ctx, dims.K, dims.N * dims.Ho() * dims.Wo(), dims.Co, vector());
    launch(ctx, turn_into_dy<vector(), T>, blocks.grid, blocks.block, 0, blocks, y, arrived, gradient.gain,
           gradient.shift);
  });
}

template <class T>
void weight_gradient(Cuda ctx, const Conv2d& dims, const Conv2dInput<T>& x, const T* dy,
                     Gradient<float> dweight) {
  if constexpr (std::is_same_v<T, bf16>) {
    if (fits_tensor_cores(dims)) return conv2d_weight_gradient_mma(ctx, dims, x, dy, dweight);
    if (are_images(dims, x)) return conv2d_images_weight_gradient_mma(ctx, dims, x, dy, dweight);
  }
  const std::int64_t pixels = dims.N * dims.Ho() * dims.Wo(), taps = dims.kernel * dims.kernel;
  with_gemm_vectors<T>({dims.first_channels, dims.second_channels, dims.Co}, [&](auto vector, auto) {
    const PatchColumns<T, vector()> patches{window_of(dims), pixels, x, dims.first_channels,
                                            dims.second_channels};
    split_gemm(ctx, {dims.K, dims.Co, taps * dims.Ci(), pixels}, dweight,
               [&](const Gemm& split, Gradient<float> to) {
                 channel_gemm(ctx, split, columns<vector()>(dy, pixels * dims.Co, dims.Co), patches,
                              StoreRows<float>{to.data, to.write});
               });
  });
}

// The gradient of one input, C channels from `first` on.
template <class T>
void input_gradient(Cuda ctx, const Conv2d& dims, const float* weight, const T* dy, const Feature<T>& x,
                    std::int64_t first, std::int64_t C, const FeatureGradient<T>& dx) {
  const std::int64_t taps = dims.kernel * dims.kernel;
  with_gemm_vectors<T>({dims.Co, dims.first_channels, dims.second_channels}, [&](auto vector, auto floats) {
    feature_gemm(ctx, {dims.K, dims.N, dims.H, dims.W, C}, taps * dims.Co,
                 Patches<T, vector(), NoNorm<vector()>>{
                     gradient_window_of(dims), dims.N * dims.H * dims.W, {{dy}, {}}, dims.Co, 0},
                 TapColumns<floats()>{weight, dims.Co, taps, dims.Ci(), first}, x, dx);
  });
}

}  // namespace

template <class T>
void conv2d_backward(Cuda ctx, const Conv2d& dims, const Conv2dInput<T>& x, const float* weight,
                     const Feature<T>& y, const Conv2dArrived<T>& arrived,
                     const Conv2dGradient<T>& gradient) {
  if (y.norm) undo_norm(ctx, dims, y, arrived, gradient);
  const T* dy = arrived.da;
  if (gradient.weight) weight_gradient(ctx, dims, x, dy, gradient.weight);
  if constexpr (std::is_same_v<T, bf16>)
    if (gradient_fits_tensor_cores(dims) &&
        conv2d_input_gradient_mma(ctx, dims, x, weight, dy, gradient.first, gradient.second))
      return;
  if (gradient.first.da)
    input_gradient(ctx, dims, weight, dy, x.first, 0, dims.first_channels, gradient.first);
  if (gradient.second.da)
    input_gradient(ctx, dims, weight, dy, x.second, dims.first_channels, dims.second_channels,
                   gradient.second);
}

template void conv2d_backward(Cuda, const Conv2d&, const Conv2dInput<float>&, const float*,
                              const Feature<float>&, const Conv2dArrived<float>&,
                              const Conv2dGradient<float>&);
template void conv2d_backward(Cuda, const Conv2d&, const Conv2dInput<bf16>&, const float*,
                              const Feature<bf16>&, const Conv2dArrived<bf16>&, const Conv2dGradient<bf16>&);

}  // namespace fermion::kernels
