// How a block of kernels/conv_mma.cuh brings weights into shared memory, as bf16, and a warp from there.
//
// Forward, weights [K, Co, taps, Ci]: summed over are their rows. A chunk lies as [taps][2 planes of 8
// numbers][channels + 4] x 8 numbers. By the input, what is summed over are the output channels, and tap
// (a, b) is that of (2 pad - a, 2 pad - b): a chunk lies as [taps][16 output channels][channels + 8] numbers.
// Neither meets a bank twice.
//
// Of 32 channels that are made, column n of fragment j is channel 8 (n / 2) + 2 j + n % 2: so a lane's sums
// are those of 8 neighbouring channels, which it stores as one vector.
#pragma once

#include "kernels/conv_block.cuh"
#include "kernels/mma.cuh"

namespace fermion::kernels {

// Where channel c lies among 32, and which lies there.
__device__ inline int weight_place(int c) {
  return c / 32 * 32 + 8 * (c % 8 / 2) + 2 * (c % 32 / 8) + c % 2;
}
__device__ inline int weight_channel(int place) {
  return place / 32 * 32 + 8 * (place % 8 / 2) + 2 * (place % 32 / 8) + place % 2;
}

// A thread brings four numbers that lie side by side, of some taps.
template <class Block>
class WeightFetch {
 public:
  __device__ WeightFetch(const ConvMma& conv, const ConvShared<Block>& shared) : chunks_(conv.chunks) {
    const int unit = static_cast<int>(threadIdx.x) % (4 * Block::channels);
    const std::int64_t first = std::int64_t{blockIdx.y} * Block::channels, row = conv.weight_row;
    if constexpr (Block::gradient) {
      const int line = line_of(unit / (Block::channels / 4)), c = 4 * (unit % (Block::channels / 4));
      tap_ = -row;
      chunk_ = 16 * Block::taps * row;
      from_ = conv.weight + blockIdx.z * conv.chunks * chunk_ + line * stored_taps * row +
              (Block::taps - 1 - first_tap()) * row + first + c;
      there_ = first + c < conv.Co;
      to_ =
          shared.weights + first_tap() * Block::weight_tap + line * Block::weight_line + 2 * weight_place(c);
    } else {
      const int place = unit / 4, c = weight_channel(place), quarter = unit % 4;
      tap_ = row;
      chunk_ = 16;
      const std::int64_t channel =
          Block::doubling ? conv.doubled.weight_row(static_cast<int>(first) + c) : first + c;
      from_ =
          conv.weight + ((blockIdx.z * conv.Co + channel) * Block::taps + first_tap()) * row + 4 * quarter;
      there_ = first + c < conv.Co;
      to_ = shared.weights + first_tap() * Block::weight_tap + quarter / 2 * Block::weight_plane +
            16 * place + 8 * (quarter % 2);
    }
  }

  // A row of a step's products: of taps, or of a 1x1 convolution a chunk.
  __device__ void load(int row, int step) {
    const int chunk = step * Block::step_chunks + (Block::kernel == 1 ? row : 0);
    const int tap = Block::kernel == 1 ? 0 : row * Block::kernel;
    const bool there = there_ && (Block::step_chunks == 1 || chunk < chunks_);
#pragma unroll
    for (int i = 0; i < in_row; ++i)
      if (mine(i))
        values_[i] =
            there ? *reinterpret_cast<const float4*>(from_ + (tap + i * at_once) * tap_ + offset(chunk))
                  : float4{0, 0, 0, 0};
  }

  __device__ void store(int row, int at) const {
#pragma unroll
    for (int i = 0; i < in_row; ++i) {
      if (!mine(i)) continue;
      char* to = to_ + at * Block::weight_step + (row * Block::kernel + i * at_once) * Block::weight_tap;
      const unsigned first = pack(values_[i].x, values_[i].y), second = pack(values_[i].z, values_[i].w);
      if constexpr (Block::gradient) {
        *reinterpret_cast<unsigned*>(to) = first;
        *reinterpret_cast<unsigned*>(to + 2 * 8) = second;
      } else {
        *reinterpret_cast<uint2*>(to) = {first, second};
      }
    }
  }

 private:
  // All threads bring so many taps of a row.
  static constexpr int at_once = Block::threads / (4 * Block::channels),
                       in_row = (Block::kernel + at_once - 1) / at_once;
  static_assert(Block::threads % (4 * Block::channels) == 0);

  // Of a doubling block's rows; a row has the weights of all taps.
  static constexpr int stored_taps = Block::doubling ? 4 : Block::taps;
  __device__ std::int64_t offset(int chunk) const {
    return Block::doubling && Block::gradient ? chunk / 4 * 4 * chunk_ - chunk % 4 * tap_ : chunk * chunk_;
  }

  // Of 32 channels, what 16 threads store together are two lines: two that do not meet in a bank.
  __device__ static int line_of(int i) {
    return Block::channels == 32 ? i / 8 * 8 + i % 2 * 4 + i / 2 % 4 : i;
  }
  __device__ static int first_tap() {
    return threadIdx.x / (4 * Block::channels);
  }
  __device__ static bool mine(int i) {
    return Block::kernel % at_once == 0 || first_tap() + i * at_once < Block::kernel;
  }

  const float* from_;
  int chunks_;
  std::int64_t tap_, chunk_;  // from one to the next
  char* to_;
  bool there_;
  float4 values_[in_row];
};

// This lane's address of the first tap, for the block's column of 32 channels.
template <class Block>
__device__ unsigned weight_address(const ConvShared<Block>& shared, int column) {
  const int lane = threadIdx.x % 32, row = lane % 8, depth = lane / 8 % 2, side = lane / 16;
  return shared_address(shared.weights) +
         (Block::gradient ? (8 * depth + row) * Block::weight_line + 2 * (32 * column + 8 * side)
                          : depth * Block::weight_plane + 16 * (32 * column + 8 * side + row));
}

// B of one product: w[i] of 16 channels, {8 channels, depths 0 to 7}, {the same, 8 to 15}, {the next 8 ...}.
template <class Block>
__device__ void load_product(unsigned (&w)[2][4], unsigned address, int product) {
#pragma unroll
  for (int i = 0; i < 2; ++i)
    if constexpr (Block::gradient)
      load_transposed(w[i], address + product * Block::weight_tap + i * 2 * 16);
    else
      load_matrices(w[i], address + product * Block::weight_tap + i * 16 * 16);
}

}  // namespace fermion::kernels
