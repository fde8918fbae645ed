// Convolution on tensor cores: bf16 activations, f32 weights and sums, stride 1. One launch does all of
//
//   value(x), formed once on the way into shared memory: neither it nor the patches of pixels reach global
//   memory; the sums over taps and channels; y, rounded to bf16, and of what is stored mean and 1 / std of
//   each channel; or bias and ReLU.
//
// A block makes Tiles tiles of pixels (kernels/pixel_tiles.h) by 32 Columns channels, a warp one tile by 32
// channels: 7 or 4 fragments of 16 pixels by 4 of 8 channels. It goes through the input channels by 16, in
// two buffers:
//
//   pixels   [2 buffers][Tiles][2 planes of 8 channels][slots] x 8 channels
//   weights  [2 buffers, or all chunks of 16 channels][taps][2 planes][32 Columns + 4] x 8 channels
//
// Where the weights of all chunks fit, they stay while the block goes on to its next tiles. The taps of a
// pixel are shifts of its address: nothing is unfolded. Grid: x persistent blocks, y channels of the output,
// z weight sets.
#pragma once

#include "kernels/channel_moments.cuh"
#include "kernels/conv2d.h"
#include "kernels/launch.cuh"
#include "kernels/mma.cuh"
#include "kernels/pixel_tiles.h"
#include "kernels/vec.cuh"

namespace fermion::kernels {

struct ConvMma {
  PixelTiles tiles;
  int first_chunks, chunks;  // of 16 input channels: of the first input, of both
  int Co;
  Conv2dInput<bf16> x;
  const float* weight;  // [K, Co, taps, 16 chunks]
  Conv2dOutput<bf16> y;
  Moments* moments = nullptr;    // [K, gridDim.x, Co], or null
  unsigned* counters = nullptr;  // [K, gridDim.y], zeros
};

// Resident: the weights of all chunks fit into shared memory.
template <int Fragments, int Tiles, int Columns, int Kernel, bool Resident>
struct ConvBlock {
  static constexpr int fragments = Fragments, tiles = Tiles, columns = Columns, kernel = Kernel;
  static constexpr bool resident = Resident;
  static constexpr int taps = Kernel * Kernel, threads = 32 * Tiles * Columns, channels = 32 * Columns;
  static constexpr int weight_plane = 16 * (channels + 4), weight_chunk = 2 * taps * weight_plane;  // bytes

  static constexpr int rows = Fragments == 7 ? 8 : 4, width = 16 * Fragments / rows;
  // The vectors of input pixels that one thread fetches, where most images lie side by side.
  static constexpr int pad = Kernel / 2,
                       most_inputs = (rows + 2 * pad) * (width + 2 * pad * (Fragments == 7 ? 2 : 4));
  static constexpr int fetched_vectors = (Tiles * 2 * most_inputs + threads - 1) / threads;

  // While how many taps are multiplied, some of the next vectors are on their way.
  static constexpr int part_taps = fetched_vectors > 6 ? 1 : Kernel;

  static int shared_bytes(const PixelTiles& tiles_of, int chunks) {
    return 2 * Tiles * 2 * 16 * tiles_of.slots() + (Resident ? chunks : 2) * weight_chunk +
           2 * 4 * 16 * chunks + Tiles * channels * static_cast<int>(sizeof(Moments)) +
           2 * fetched_vectors * threads;
  }
};

// Where a block's things lie in shared memory.
template <class Block>
struct ConvShared {
  char* pixels;
  char* weights;
  float *scale, *offset;  // of each input channel: value(x) = relu?(y scale + offset)
  Moments* moments;       // [tiles][channels]
  int* sources;           // the input pixels of the block's tiles, -1 for zeros
  int plane, buffer;      // bytes

  __device__ explicit ConvShared(const ConvMma& conv) {
    extern __shared__ uint4 memory[];
    plane = 16 * conv.tiles.slots();
    buffer = Block::tiles * 2 * plane;
    pixels = reinterpret_cast<char*>(memory);
    weights = pixels + 2 * buffer;
    scale = reinterpret_cast<float*>(weights + (Block::resident ? conv.chunks : 2) * Block::weight_chunk);
    offset = scale + 16 * conv.chunks;
    moments = reinterpret_cast<Moments*>(offset + 16 * conv.chunks);
    sources = reinterpret_cast<int*>(moments + Block::tiles * Block::channels);
  }
};

// Scale and offset of all input channels.
template <class Block>
__device__ void prepare_norms(const ConvMma& conv, const ConvShared<Block>& shared) {
  const int first = 16 * conv.first_chunks, all = 16 * conv.chunks;
  for (int c = threadIdx.x; c < all; c += Block::threads) {
    const Norm& norm = c < first ? conv.x.first.norm : conv.x.second.norm;
    const std::int64_t at = c < first ? std::int64_t{blockIdx.z} * first + c
                                      : std::int64_t{blockIdx.z} * (all - first) + c - first;
    const float scale = norm ? norm.gain[at] * norm.inv_std[at] : 1;
    shared.scale[c] = scale;
    shared.offset[c] = norm ? fmaf(-norm.mean[at], scale, norm.shift[at]) : 0;
  }
}

// How the threads of a block bring the input pixels of its tiles, 16 channels at a time: a thread holds
// vectors of 8 channels of some pixels, two neighbours the same pixel.
template <class Block>
class PixelFetch {
 public:
  __device__ PixelFetch(const ConvMma& conv, const ConvShared<Block>& shared) : conv_(conv), shared_(shared) {
    const int inputs = conv_.tiles.inputs();
#pragma unroll
    for (int i = 0; i < vectors; ++i) {
      const int t = at(i) / inputs,
                slot = t * 2 * (shared_.plane / 16) + conv_.tiles.input({}, at(i) % inputs).slot;
      const unsigned half_word = t < Block::tiles ? slot : no_slot;
      slots_[i / 2] = i % 2 ? slots_[i / 2] | half_word << 16 : half_word;
    }
  }

  // From now on, the pixels of the tiles from `tile` on.
  __device__ void aim(int tile) {
    const int inputs = conv_.tiles.inputs();
    // Nobody of the warp still needs the old ones.
    __syncwarp();
    for (int i = 0; i < vectors && half() == 0; ++i) {
      const int t = at(i) / inputs;
      shared_.sources[at(i)] = t < Block::tiles && tile + t < conv_.tiles.count()
                                   ? conv_.tiles.input(conv_.tiles.place(tile + t), at(i) % inputs).pixel
                                   : -1;
    }
    __syncwarp();
  }

  // The vectors of one part are on their way while some taps are multiplied.
  __device__ void load(int part, int chunk) {
    const bool second = chunk >= conv_.first_chunks;
    const Feature<bf16>& x = second ? conv_.x.second : conv_.x.first;
    const int chunks = second ? conv_.chunks - conv_.first_chunks : conv_.first_chunks;
    const std::int64_t pixels = std::int64_t{conv_.tiles.N} * conv_.tiles.in_H * conv_.tiles.in_W;
    const bf16* from =
        x.y + (blockIdx.z * pixels * chunks + chunk - (second ? conv_.first_chunks : 0)) * 16 + 8 * half();
#pragma unroll
    for (int i = 0; i < in_part; ++i) {
      const int v = part * in_part + i, pixel = v < vectors ? shared_.sources[at(v)] : -1;
      if (pixel >= 0)
        values_[i] = *reinterpret_cast<const uint4*>(from + std::int64_t{pixel} * (16 * chunks));
    }
  }

  __device__ void store(int part, int chunk, int buffer) {
    const Norm& norm = chunk < conv_.first_chunks ? conv_.x.first.norm : conv_.x.second.norm;
    float scale[8], offset[8];
    if (norm) {
      const int c = 16 * chunk + 8 * half();
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        scale[i] = shared_.scale[c + i];
        offset[i] = shared_.offset[c + i];
      }
    }
#pragma unroll
    for (int i = 0; i < in_part; ++i) {
      const int v = part * in_part + i;
      if (v >= vectors || slot(v) == no_slot) continue;
      const int pixel = shared_.sources[at(v)];
      uint4 value = pixel >= 0 ? values_[i] : uint4{0, 0, 0, 0};
      if (norm && pixel >= 0) value = normalised(value, scale, offset, norm.relu);
      *reinterpret_cast<uint4*>(shared_.pixels + buffer * shared_.buffer + half() * shared_.plane +
                                16 * slot(v)) = value;
    }
  }

 private:
  static constexpr int vectors = Block::fetched_vectors;
  static constexpr int parts = Block::taps / Block::part_taps, in_part = (vectors + parts - 1) / parts;

  static constexpr unsigned no_slot = 0xFFFF;

  __device__ static int half() {
    return threadIdx.x % 2;
  }
  // Which of the tiles' input pixels vector i is of.
  __device__ static int at(int i) {
    return (static_cast<int>(threadIdx.x) + i * Block::threads) / 2;
  }
  __device__ int slot(int i) const {
    return slots_[i / 2] >> (16 * (i % 2)) & 0xFFFF;
  }

  __device__ static unsigned normalised(unsigned two, const float* scale, const float* offset, bool relu) {
    float low = fmaf(__uint_as_float(two << 16), scale[0], offset[0]);
    float high = fmaf(__uint_as_float(two & 0xFFFF0000), scale[1], offset[1]);
    // NaN travels.
    if (relu && low < 0) low = 0;
    if (relu && high < 0) high = 0;
    return pack(low, high);
  }
  __device__ static uint4 normalised(uint4 v, const float (&scale)[8], const float (&offset)[8], bool relu) {
    return {normalised(v.x, scale, offset, relu), normalised(v.y, scale + 2, offset + 2, relu),
            normalised(v.z, scale + 4, offset + 4, relu), normalised(v.w, scale + 6, offset + 6, relu)};
  }

  const ConvMma& conv_;
  const ConvShared<Block>& shared_;
  unsigned slots_[(vectors + 1) / 2];  // where vectors go, by 16 bytes; two in a word
  uint4 values_[in_part];
};

// How they bring the weights of 16 input channels: a thread holds four numbers of one output channel, of some
// taps.
template <class Block>
class WeightFetch {
 public:
  __device__ WeightFetch(const ConvMma& conv, const ConvShared<Block>& shared) : Ci_(16 * conv.chunks) {
    const int quarter = threadIdx.x % 4, c = threadIdx.x / 4 % Block::channels;
    const std::int64_t co = std::int64_t{blockIdx.y} * Block::channels + c;
    from_ = co < conv.Co
                ? conv.weight + ((blockIdx.z * conv.Co + co) * Block::taps + first_tap()) * Ci_ + 4 * quarter
                : nullptr;
    to_ = shared.weights + (2 * first_tap() + quarter / 2) * Block::weight_plane + 16 * c + 8 * (quarter % 2);
  }

  __device__ void load(int row, int chunk) {
#pragma unroll
    for (int i = 0; i < in_row; ++i)
      if (mine(i))
        values_[i] = from_ ? *reinterpret_cast<const float4*>(from_ + (row * Block::kernel + i * step) * Ci_ +
                                                              16 * chunk)
                           : float4{0, 0, 0, 0};
  }

  __device__ void store(int row, int at) const {
#pragma unroll
    for (int i = 0; i < in_row; ++i)
      if (mine(i))
        *reinterpret_cast<uint2*>(to_ + at * Block::weight_chunk +
                                  2 * (row * Block::kernel + i * step) * Block::weight_plane) = {
            pack(values_[i].x, values_[i].y), pack(values_[i].z, values_[i].w)};
  }

 private:
  // All threads bring `step` taps of a row at once.
  static constexpr int step = Block::threads / (4 * Block::channels),
                       in_row = (Block::kernel + step - 1) / step;
  static_assert(Block::threads % (4 * Block::channels) == 0);

  __device__ static int first_tap() {
    return threadIdx.x / (4 * Block::channels);
  }
  __device__ static bool mine(int i) {
    return Block::kernel % step == 0 || first_tap() + i * step < Block::kernel;
  }

  int Ci_;
  const float* from_;
  char* to_;
  float4 values_[in_row];
};

// A warp's sums: fragments of 16 pixels by 4 of 8 channels.
template <class Block>
struct ConvSums {
  float at[Block::fragments][4][4];
};

// Where a lane's rows of the pixels' matrices lie (load_matrices).
template <class Block>
class PixelAddresses {
 public:
  __device__ PixelAddresses(const ConvMma& conv, const ConvShared<Block>& shared, int tile)
      : pitch_(16 * conv.tiles.pitch()) {
    const int lane = threadIdx.x % 32;
    const unsigned begin = shared_address(shared.pixels + (2 * tile + lane / 16) * shared.plane);
#pragma unroll
    for (int f = 0; f < kept; ++f) address_[f] = begin + 16 * conv.tiles.slot(16 * f + lane % 16);
  }
  // Of fragment f, for a row of taps.
  __device__ unsigned of(int f, int row) const {
    return kept == 1 ? address_[0] + (f + row) * pitch_ : address_[f] + row * pitch_;
  }

 private:
  // In tiles of 16 columns, the fragments are the rows.
  static constexpr int kept = Block::width == 16 ? 1 : Block::fragments;
  int pitch_;
  unsigned address_[kept];
};

// Adds one tap: pixels [slot, 16 channels] by weights [32 output channels, 16 channels]. `weights`: this
// lane's address of the first tap.
template <class Block>
__device__ void multiply_tap(int tap, const PixelAddresses<Block>& pixels, unsigned buffer, unsigned weights,
                             ConvSums<Block>& sums) {
  unsigned w[2][4];
  load_matrices(w[0], weights + 2 * tap * Block::weight_plane);
  load_matrices(w[1], weights + 2 * tap * Block::weight_plane + 16 * 16);
#pragma unroll
  for (int f = 0; f < Block::fragments; ++f) {
    unsigned x[4];
    load_matrices(x, pixels.of(f, tap / Block::kernel) + buffer + 16 * (tap % Block::kernel));
#pragma unroll
    for (int j = 0; j < 4; ++j) mma(sums.at[f][j], x, w[j / 2][j % 2 * 2], w[j / 2][j % 2 * 2 + 1]);
  }
}

// Of four lanes with four words each, lane q gets word q of all four.
__device__ inline void transpose_quad(unsigned (&word)[4]) {
  const unsigned q = threadIdx.x % 4;
#pragma unroll
  for (int step = 1; step <= 2; step *= 2)
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      if (i & step) continue;
      // The words i and i + step: a lane keeps the one whose bit is its own.
      const unsigned other = __shfl_xor_sync(0xFFFFFFFF, q & step ? word[i] : word[i + step], step);
      (q & step ? word[i] : word[i + step]) = other;
    }
}

// y of one tile, and its moments.
template <class Block>
__device__ void finish_tile(const ConvMma& conv, int tile, int column, ConvSums<Block>& sums,
                            Moments* moments) {
  const int lane = threadIdx.x % 32, g = lane / 4, q = lane % 4;
  const int first = static_cast<int>(blockIdx.y) * Block::channels + 32 * column;
  const PixelTiles::Place place = conv.tiles.place(tile);
  const std::int64_t pixels = std::int64_t{conv.tiles.N} * conv.tiles.H * conv.tiles.W;
  bf16* y = conv.y.y + blockIdx.z * pixels * conv.Co + first + 8 * q;
  float count = 0, sum[4][2] = {};
  unsigned inside = 0;  // bit 2 f + h: fragment f's row g + 8 h is a pixel of an image
#pragma unroll
  for (int f = 0; f < Block::fragments; ++f)
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      const int pixel = conv.tiles.output(place, 16 * f + g + 8 * h);
      unsigned word[4];
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        float *low = &sums.at[f][j][2 * h], *high = low + 1;
        const int c = first + 8 * j + 2 * q;
        if (conv.y.bias && c < conv.Co) {
          *low += conv.y.bias[blockIdx.z * conv.Co + c];
          *high += conv.y.bias[blockIdx.z * conv.Co + c + 1];
        }
        if (conv.y.relu && *low < 0) *low = 0;
        if (conv.y.relu && *high < 0) *high = 0;
        word[j] = pack(*low, *high);
        *low = __uint_as_float(word[j] << 16);
        *high = __uint_as_float(word[j] & 0xFFFF0000);
        if (pixel < 0) continue;
        sum[j][0] += *low;
        sum[j][1] += *high;
      }
      if (pixel >= 0) inside |= 1u << (2 * f + h), ++count;
      transpose_quad(word);
      if (pixel >= 0 && first + 8 * q < conv.Co)
        *reinterpret_cast<uint4*>(y + std::int64_t{pixel} * conv.Co) = {word[0], word[1], word[2], word[3]};
    }
  if (!moments) return;
  const auto over_rows = [](float value) {
#pragma unroll
    for (int lanes = 4; lanes < 32; lanes *= 2) value += __shfl_xor_sync(0xFFFFFFFF, value, lanes);
    return value;
  };
  count = over_rows(count);
#pragma unroll
  for (int j = 0; j < 4; ++j)
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      Moments tile_moments{count, over_rows(sum[j][i]) / count};
      float m2 = 0;
#pragma unroll
      for (int r = 0; r < 2 * Block::fragments; ++r) {
        const float difference = sums.at[r / 2][j][r % 2 * 2 + i] - tile_moments.mean;
        if (inside >> r & 1) m2 = fmaf(difference, difference, m2);
      }
      tile_moments.m2 = over_rows(m2);
      if (g == 0) moments[8 * j + 2 * q + i].merge(tile_moments);
    }
}

// The block's moments, and in the last block mean and inv_std of its channels.
template <class Block>
__device__ void finish_channels(const ConvMma& conv, const ConvShared<Block>& shared) {
  __syncthreads();
  const int c = threadIdx.x, channel = static_cast<int>(blockIdx.y) * Block::channels + c;
  const bool mine = c < Block::channels && channel < conv.Co;
  Moments* rows = conv.moments + std::int64_t{blockIdx.z} * gridDim.x * conv.Co + channel;
  if (mine) {
    Moments sum = shared.moments[c];
    for (int t = 1; t < Block::tiles; ++t) sum.merge(shared.moments[t * Block::channels + c]);
    rows[std::int64_t{blockIdx.x} * conv.Co] = sum;
  }
  if (!is_last_block(&conv.counters[blockIdx.z * gridDim.y + blockIdx.y], gridDim.x) || !mine) return;
  const std::int64_t at = blockIdx.z * conv.Co + channel;
  finish_moments(rows, gridDim.x, conv.Co, conv.y.mean + at, conv.y.inv_std + at);
}

template <class Block>
__global__ void __launch_bounds__(Block::threads, 256 / Block::threads)
    conv_kernel(const __grid_constant__ ConvMma conv) {
  const ConvShared<Block> shared(conv);
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, t = warp / Block::columns,
            column = warp % Block::columns;
  const int first = blockIdx.x * Block::tiles, step = gridDim.x * Block::tiles, count = conv.tiles.count();
  prepare_norms(conv, shared);
  for (int i = threadIdx.x; i < Block::tiles * Block::channels; i += Block::threads) shared.moments[i] = {};
  __syncthreads();

  PixelFetch<Block> pixels(conv, shared);
  WeightFetch<Block> weights(conv, shared);
  pixels.aim(first);
#pragma unroll
  for (int part = 0; part < Block::taps / Block::part_taps; ++part) {
    pixels.load(part, 0);
    pixels.store(part, 0, 0);
  }
  for (int chunk = 0; chunk < (Block::resident ? conv.chunks : 1); ++chunk)
    for (int row = 0; row < Block::kernel; ++row) {
      weights.load(row, chunk);
      weights.store(row, chunk);
    }
  const PixelAddresses<Block> addresses(conv, shared, t);
  const unsigned weight_address = shared_address(shared.weights + lane / 8 % 2 * Block::weight_plane +
                                                 16 * (32 * column + lane / 16 * 8 + lane % 8));
  __syncthreads();

  int buffer = 0;
  for (int tile = first; tile < count; tile += step) {
    ConvSums<Block> sums{};
    for (int chunk = 0; chunk < conv.chunks; ++chunk, buffer ^= 1) {
      // The next chunk, perhaps of the next tiles, goes to the other buffer meanwhile.
      const int next = chunk + 1 < conv.chunks ? chunk + 1 : 0;
      const bool more = next > 0 || tile + step < count;
      const int weights_at = Block::resident ? chunk : buffer;
      if (next == 0 && more) pixels.aim(tile + step);
#pragma unroll
      for (int tap = 0; tap < Block::taps; ++tap) {
        const int row = tap / Block::kernel, part = tap / Block::part_taps;
        if (more && tap % Block::part_taps == 0) pixels.load(part, next);
        if (!Block::resident && more && tap % Block::kernel == 0) weights.load(row, next);
        if (tile + t < count)
          multiply_tap<Block>(tap, addresses, buffer * shared.buffer,
                              weight_address + weights_at * Block::weight_chunk, sums);
        if (more && (tap + 1) % Block::part_taps == 0) pixels.store(part, next, buffer ^ 1);
        if (!Block::resident && more && (tap + 1) % Block::kernel == 0) weights.store(row, buffer ^ 1);
      }
      __syncthreads();
    }
    if (tile + t < count)
      finish_tile<Block>(conv, tile + t, column, sums,
                         conv.moments ? shared.moments + t * Block::channels + 32 * column : nullptr);
  }
  if (conv.moments) finish_channels(conv, shared);
}

}  // namespace fermion::kernels
