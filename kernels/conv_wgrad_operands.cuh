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
    const int c = begin + 8 * plane();
    const bool second = c >= conv.first_channels;
    const Feature<bf16>& x = second ? conv.x.second : conv.x.first;
    const int first = second ? c - conv.first_channels : c;
    channels_ = second ? conv.Ci - conv.first_channels : conv.first_channels;
    const std::int64_t pixels = std::int64_t{conv.tiles.N} * conv.tiles.in_H * conv.tiles.in_W;
    from_ = c < conv.Ci ? x.y + blockIdx.z * pixels * channels_ + first : nullptr;
    normed_ = from_ && x.norm;
    relu_ = x.norm.relu;
    if (!normed_) return;
    const std::int64_t at = std::int64_t{blockIdx.z} * channels_ + first;
    scale_ = kernels::load<8>(x.norm.gain + at);
    const Floats<8> inv_std = kernels::load<8>(x.norm.inv_std + at),
                    mean = kernels::load<8>(x.norm.mean + at), shift = kernels::load<8>(x.norm.shift + at);
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      scale_[i] *= inv_std[i];
      offset_[i] = fmaf(-mean[i], scale_[i], shift[i]);
    }
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
#pragma unroll
    for (int i = 0; i < Block::in_step; ++i) {
      const int v = step * Block::in_step + i;
      if (v >= Block::x_vectors) continue;
      const auto [pixel, slot] = input(v);
      if (slot < 0) continue;
      uint4 value = values_[i];
      if (normed_ && pixel >= 0) value = normalised(value, scale_.at, offset_.at, relu_);
      *reinterpret_cast<uint4*>(shared_.x + (buffer * Block::x_planes + plane()) * shared_.x_plane +
                                16 * slot) = value;
    }
  }

 private:
  __device__ static int plane() {
    return threadIdx.x % Block::x_planes;
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
  Floats<8> scale_, offset_;  // of the thread's channels, where they have a norm
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
