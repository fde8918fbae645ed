// Convolution on tensor cores: bf16 activations, f32 weights and sums; stride 1, or 3x3 of stride 2. One
// launch does all of
//
//   forward: value(x), formed once on the way into shared memory: neither it nor the patches of pixels reach
//   global memory; the sums over taps and channels; y, rounded to bf16, and of what is stored mean and
//   1 / std of each channel; or bias and ReLU;
//
//   the gradient by the inputs, which is the convolution of dy by the weights turned over: its sums, the
//   gradient of value(x), which never reach memory; the mask of the inputs' ReLU, formed anew from y; da,
//   written or added, and its two sums over the pixels.
//
// Of 64 images of 56 x 56 pixels and 64 channels value(x) would be 26 MB, its patches 231 MB, the gradient of
// value(x) 26 MB, each written and read.
//
// A block makes Tiles tiles of pixels (kernels/pixel_tiles.h) by 32 Columns channels, a warp one tile by 32
// channels: 7 or 4 fragments of 16 pixels by 4 of 8 channels. It goes through the channels summed over by 16,
// of a 1x1 convolution by 32, in two buffers:
//
//   pixels   [2 buffers][Tiles][2 or 4 planes of 8 channels][slots] x 8 channels
//   weights  [2 buffers, or all steps] as in kernels/conv_weights.cuh
//
// Where the weights of all steps fit, they stay while the block goes on to its next tiles; where there are
// few tiles, several blocks share theirs, each a part of the steps. The taps of a pixel are shifts of its
// address: nothing is unfolded. In the gradient of stride 2 a tile is 32 pixels of dy and makes 128 of x, in
// four phases that one, two, two and four taps reach. Grid: x persistent blocks, or all that share tiles,
// those of the same side by side; y channels that are made; z weight sets.
#pragma once

#include "kernels/conv_depth.cuh"
#include "kernels/conv_finish_forward.cuh"
#include "kernels/conv_finish_gradient.cuh"
#include "kernels/conv_pixels.cuh"
#include "kernels/conv_weights.cuh"

namespace fermion::kernels {

// Where a lane's rows of the pixels' matrices lie (load_matrices).
template <class Block>
class PixelAddresses {
 public:
  __device__ PixelAddresses(const ConvMma& conv, const ConvShared<Block>& shared, int tile)
      : pitch_(16 * conv.tiles.pitch) {
    const int lane = threadIdx.x % 32;
    const unsigned begin = shared_address(shared.pixels + (Block::planes * tile + lane / 16) * shared.plane);
#pragma unroll
    for (int f = 0; f < kept; ++f) address_[f] = begin + 16 * conv.tiles.slot(16 * f + lane % 16);
  }
  // Of the tile's fragment f, `line` lines further on.
  __device__ unsigned of(int f, int line) const {
    constexpr int row = Block::Tap::stride * Block::Tap::stride;  // lines
    return kept == 1 ? address_[0] + (row * f + line) * pitch_ : address_[f] + line * pitch_;
  }

 private:
  // In tiles of 16 columns, the fragments are the rows.
  static constexpr int kept = Block::Pixels::width == 16 ? 1 : Block::tile_fragments;
  int pitch_;
  unsigned address_[kept];
};

// A tile's pixels as taps read them. Where the places have phases, taps (0, 0), (0, 2), (2, 0) and (2, 2) are
// the first to read what others do after them, in another phase: of a line, two columns are kept.
template <class Block>
struct PixelMatrices {
  static constexpr bool kept = Block::phases > 1;
  unsigned at[kept ? 2 : 1][kept ? Block::tile_fragments : 1][4];

  __device__ static bool is_new(int tap) {
    return !kept || (tap / Block::kernel != 1 && tap % Block::kernel != 1);
  }
};

// Adds one product: pixels [slot, 16 channels] at a tap by weights [32 channels made, 16 channels]. buffer:
// where its 16 channels' planes lie.
template <class Block>
__device__ void add_product(int product, const PixelAddresses<Block>& pixels, unsigned buffer,
                            unsigned weights, PixelMatrices<Block>& matrices, ConvSums<Block>& sums) {
  const int tap = product % Block::taps;
  const typename Block::Tap place(tap);
  unsigned w[2][4];
  load_product<Block>(w, weights, product);
#pragma unroll
  for (int f = 0; f < Block::tile_fragments; ++f) {
    unsigned(&x)[4] = matrices.at[matrices.kept ? place.column : 0][matrices.kept ? f : 0];
    if (matrices.is_new(tap)) load_matrices(x, pixels.of(f, place.line) + buffer + 16 * place.column);
    float(&c)[4][4] = sums.at[place.phase * Block::tile_fragments + f];
#pragma unroll
    for (int j = 0; j < 4; ++j) mma(c[j], x, w[j / 2][j % 2 * 2], w[j / 2][j % 2 * 2 + 1]);
  }
}

// Output: ConvForward or ConvGradient.
template <class Block, class Output>
__global__ void __launch_bounds__(Block::threads, 256 / Block::threads)
    conv_kernel(const __grid_constant__ ConvMma conv, const __grid_constant__ Output output) {
  const ConvShared<Block> shared(conv);
  const int warp = threadIdx.x / 32, t = warp / Block::columns, column = warp % Block::columns;
  const int first = tile_group<Block>(conv) * Block::tiles, count = conv.tiles.count;
  // Blocks that share a tile go on to no other.
  const int stride = Block::depth == Depth::split ? count : static_cast<int>(gridDim.x) * Block::tiles;
  const DepthPart<Block> depth(conv);
  prepare_norms(conv, shared);
  prepare_finish(conv, output, shared);
  __syncthreads();

  PixelFetch<Block> pixels(conv, shared);
  WeightFetch<Block> weights(conv, shared);
  pixels.aim(first);
#pragma unroll
  for (int part = 0; part < Block::parts; ++part) {
    pixels.load(part, depth.begin);
    pixels.store(part, depth.begin, 0);
  }
  constexpr int rows = Block::products / Block::kernel;
  for (int step = 0; step < (Block::resident ? depth.end : 1); ++step)
    for (int row = 0; row < rows; ++row) {
      weights.load(row, depth.begin + step);
      weights.store(row, step);
    }
  const PixelAddresses<Block> addresses(conv, shared, t);
  const unsigned weights_from = weight_address(shared, column);
  __syncthreads();

  int buffer = 0;
  for (int tile = first; tile < count; tile += stride) {
    ConvSums<Block> sums{};
    for (int step = depth.begin; step < depth.end; ++step, buffer ^= 1) {
      // The next step's, perhaps of the next tiles, goes to the other buffer meanwhile.
      const bool last = step + 1 == depth.end, more = !last || tile + stride < count;
      const int next = last ? depth.begin : step + 1;
      const int weights_at = Block::resident ? step : buffer;
      PixelMatrices<Block> matrices;
      if (last && more) pixels.aim(tile + stride);
#pragma unroll
      for (int product = 0; product < Block::products; ++product) {
        const int row = product / Block::kernel, part = product / Block::part_products;
        if (more && product % Block::part_products == 0) pixels.load(part, next);
        if (!Block::resident && more && product % Block::kernel == 0) weights.load(row, next);
        if (tile + t < count)
          add_product<Block>(product, addresses,
                             buffer * shared.buffer + product / Block::taps * 2 * shared.plane,
                             weights_from + weights_at * Block::weight_step, matrices, sums);
        if (more && (product + 1) % Block::part_products == 0) pixels.store(part, next, buffer ^ 1);
        if (!Block::resident && more && (product + 1) % Block::kernel == 0) weights.store(row, buffer ^ 1);
      }
      __syncthreads();
    }
    if constexpr (Block::depth == Depth::split)
      if (!add_parts(conv, sums)) return;
    if (tile + t < count) finish_tile(conv, output, shared, tile + t, t, column, sums);
  }
  finish_channels(conv, output, shared);
}

}  // namespace fermion::kernels
