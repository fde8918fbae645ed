// How a block of kernels/conv_wgrad.cuh brings pixels into shared memory: x through registers, where it
// becomes value(x), and dy by copies that go on meanwhile.
#pragma once

#include "kernels/async_copy.cuh"
#include "kernels/conv_pixels.cuh"
#include "kernels/conv_wgrad_block.cuh"
#include "kernels/mma.cuh"

namespace fermion::kernels {

// How the threads of a block bring x: a thread vectors of the same 8 channels.
template <class Block>
class WgradInput {
 public:
  __device__ WgradInput(const ConvWgrad& conv, const WgradShared<Block>& shared)
      : conv_(conv), shared_(shared) {
    const int begin =
        static_cast<int>(blockIdx.y % ((conv.Ci + Block::read - 1) / Block::read)) * Block::read;
    prepare_norms(begin);
    const int c = begin + 8 * plane();
    const bool second = c >= conv.first_channels;
    const Feature<bf16>& x = second ? conv.x.second : conv.x.first;
    const int first = second ? c - conv.first_channels : c;
    channels_ = second ? conv.Ci - conv.first_channels : conv.first_channels;
    const std::int64_t pixels = std::int64_t{conv.tiles.N} * conv.tiles.in_H * conv.tiles.in_W;
    from_ = c < conv.Ci ? x.y + blockIdx.z * pixels * channels_ + first : nullptr;
    normed_ = from_ && x.norm;
    relu_ = x.norm.relu;
  }

  // From now on, the pixels of this tile. A barrier lies between this and the use of another's.
  __device__ void aim(int tile) {
    const PixelTiles::Place place = conv_.tiles.place(tile);
    for (int i = threadIdx.x % 32; i < Block::x_vectors * at_once; i += 32) {
      const int input = warp() * at_once + i / at_once * (Block::threads / Block::x_planes) + i % at_once;
      inputs()[i] = input < conv_.tiles.inputs ? conv_.tiles.input(place, input) : PixelTiles::Input{-1, -1};
    }
    __syncwarp();
  }

  __device__ void load(int step) {
#pragma unroll
    for (int i = 0; i < Block::in_step; ++i) {
      const int v = step * Block::in_step + i, pixel = v < Block::x_vectors ? input(v).pixel : -1;
      values_[i] = pixel >= 0 && from_
                       ? *reinterpret_cast<const uint4*>(from_ + std::int64_t{pixel} * channels_)
                       : uint4{0, 0, 0, 0};
    }
  }

  __device__ void store(int step, int buffer) {
    float scale[8], offset[8];
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      scale[i] = shared_.scale[place(i)];
      offset[i] = shared_.offset[place(i)];
    }
#pragma unroll
    for (int i = 0; i < Block::in_step; ++i) {
      const int v = step * Block::in_step + i;
      if (v >= Block::x_vectors) continue;
      const auto [pixel, slot] = input(v);
      if (slot < 0) continue;
      uint4 value = values_[i];
      if (normed_ && pixel >= 0) value = normalised(value, scale, offset, relu_);
      *reinterpret_cast<uint4*>(shared_.x + (buffer * Block::x_planes + plane()) * shared_.x_plane +
                                16 * slot) = value;
    }
  }

 private:
  // Scale and offset of the block's channels, those from `begin` on. Four of all planes lie side by side, so
  // that no bank is met twice.
  __device__ void prepare_norms(int begin) const {
    for (int i = threadIdx.x; i < Block::read; i += Block::threads) {
      const int c = begin + i / 4 % Block::x_planes * 8 + i / 4 / Block::x_planes * 4 + i % 4;
      const bool second = c >= conv_.first_channels;
      const Norm& norm = second ? conv_.x.second.norm : conv_.x.first.norm;
      const std::int64_t channels = second ? conv_.Ci - conv_.first_channels : conv_.first_channels,
                         at = blockIdx.z * channels + c - (second ? conv_.first_channels : 0);
      const bool normed = norm && c < conv_.Ci;
      const float scale = normed ? norm.gain[at] * norm.inv_std[at] : 1;
      shared_.scale[i] = scale;
      shared_.offset[i] = normed ? fmaf(-norm.mean[at], scale, norm.shift[at]) : 0;
    }
  }

  __device__ static int plane() {
    return threadIdx.x % Block::x_planes;
  }
  // Where scale and offset of the plane's channel i lie.
  __device__ static int place(int i) {
    return 4 * (i / 4 * Block::x_planes + plane()) + i % 4;
  }
  // A warp brings so many pixels at once; where those of all its vectors lie, and that of vector v.
  static constexpr int at_once = 32 / Block::x_planes;
  __device__ static int warp() {
    return static_cast<int>(threadIdx.x) / 32;
  }
  __device__ PixelTiles::Input* inputs() const {
    return shared_.inputs + warp() * Block::x_vectors * at_once;
  }
  __device__ PixelTiles::Input input(int v) const {
    return inputs()[v * at_once + threadIdx.x % 32 / Block::x_planes];
  }

  const ConvWgrad& conv_;
  const WgradShared<Block>& shared_;
  const bf16* from_;
  int channels_;
  bool normed_, relu_;
  uint4 values_[Block::in_step];
};

// Sets dy of a tile on its way.
template <class Block>
__device__ void copy_dy(const ConvWgrad& conv, const WgradShared<Block>& shared, int tile, int first,
                        int buffer) {
  const PixelTiles::Place place = conv.tiles.place(tile);
  const int plane = threadIdx.x % Block::dy_planes, c = first + 8 * plane;
  const std::int64_t pixels = std::int64_t{conv.tiles.N} * conv.tiles.H * conv.tiles.W;
  const int channels = Block::doubling ? conv.doubled.C : conv.Co;
  const bf16* from = conv.dy + (Block::doubling ? conv.doubled.offset(c) : blockIdx.z * pixels * conv.Co + c);
  const unsigned to = shared_address(shared.dy + (buffer * Block::dy_planes + plane) * Block::dy_plane);
#pragma unroll
  for (int i = 0; i < Block::dy_vectors; ++i) {
    const int p = threadIdx.x / Block::dy_planes + i * (Block::threads / Block::dy_planes);
    if (p >= Block::pixels) break;
    int pixel = conv.tiles.output(place, p);
    const bool there = pixel >= 0 && c < conv.Co;
    if (Block::doubling) pixel = conv.doubled.first(pixel);
    copy_async(to + 16 * p, there ? from + std::int64_t{pixel} * channels : conv.dy, there);
  }
}

}  // namespace fermion::kernels
