// How a block of kernels/conv_mma.cuh brings pixels into shared memory, as bf16.
//
// value(x) is relu?(y scale + offset) on tensor cores, in f32, and then rounded. The ReLU's mask in the
// gradient by x is decided from x_hat, as everywhere: within f32's rounding of zero that may differ.
#pragma once

#include "kernels/conv_block.cuh"

namespace fermion::kernels {

// value(y) of two and of eight numbers, rounded. NaN travels.
__device__ inline unsigned normalised(unsigned two, const float* scale, const float* offset) {
  return pack(fmaf(__uint_as_float(two << 16), scale[0], offset[0]),
              fmaf(__uint_as_float(two & 0xFFFF0000), scale[1], offset[1]));
}
__device__ inline uint4 normalised(uint4 v, const float (&scale)[8], const float (&offset)[8], bool relu) {
  v = {normalised(v.x, scale, offset), normalised(v.y, scale + 2, offset + 2),
       normalised(v.z, scale + 4, offset + 4), normalised(v.w, scale + 6, offset + 6)};
  return relu ? uint4{relu_pair(v.x), relu_pair(v.y), relu_pair(v.z), relu_pair(v.w)} : v;
}

// Scale and offset of all input channels.
template <class Block>
__device__ void prepare_norms(const ConvMma& conv, const ConvShared<Block>& shared) {
  if constexpr (Block::gradient) return;
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

// How the threads of a block bring the input pixels of its tiles, 16 or 32 channels at a time: a thread holds
// vectors of 8 channels of some pixels, two or four neighbours the same pixel.
template <class Block>
class PixelFetch {
 public:
  __device__ PixelFetch(const ConvMma& conv, const ConvShared<Block>& shared) : conv_(conv), shared_(shared) {
#pragma unroll
    for (int i = 0; i < vectors; ++i) {
      const int t = conv_.tiles.by_inputs.quotient(at(i)), input = conv_.tiles.by_inputs.remainder(at(i)),
                slot = t * planes * (shared_.plane / 16) + conv_.tiles.input({}, input).slot;
      const unsigned half_word = t < Block::tiles && input < conv_.tiles.inputs ? slot : no_slot;
      slots_[i / 2] = i % 2 ? slots_[i / 2] | half_word << 16 : half_word;
    }
  }

  // From now on, the pixels of the tiles from `tile` on. A barrier lies between this and the use of others.
  __device__ void aim(int tile) {
    for (int i = threadIdx.x % 32; i < warp_sources; i += 32) {
      const int at = warp() * at_once + i / at_once * (Block::threads / planes) + i % at_once;
      const int t = conv_.tiles.by_inputs.quotient(at), input = conv_.tiles.by_inputs.remainder(at);
      const int pixel = t < Block::tiles && input < conv_.tiles.inputs && tile + t < conv_.tiles.count
                            ? conv_.tiles.input(conv_.tiles.place(tile + t), input).pixel
                            : -1;
      sources()[i] = gathers && pixel >= 0 ? conv_.doubled.first(pixel) : pixel;
    }
    __syncwarp();
  }

  // The vectors of one part are on their way while some products are made.
  __device__ void load(int part, int step) {
    const int chunk = chunk_of(step);
    const bool there = is_there(chunk), second = chunk >= conv_.first_chunks;
    const Feature<bf16>& x = second ? conv_.x.second : conv_.x.first;
    const int chunks = second ? conv_.chunks - conv_.first_chunks : conv_.first_chunks;
    const std::int64_t pixels = std::int64_t{conv_.tiles.N} * conv_.tiles.in_H * conv_.tiles.in_W;
    const int channels = gathers ? conv_.doubled.C : 16 * chunks;
    const std::int64_t begin =
        gathers ? std::int64_t{conv_.doubled.tap(chunk % 4)} * channels + chunk / 4 * 16
                : (blockIdx.z * pixels * chunks + chunk - (second ? conv_.first_chunks : 0)) * 16;
    const bf16* from = x.y + begin + 8 * half();
#pragma unroll
    for (int i = 0; i < in_part; ++i) {
      const int v = part * in_part + i, pixel = v < vectors && there ? source(v) : -1;
      if (pixel >= 0) values_[i] = *reinterpret_cast<const uint4*>(from + std::int64_t{pixel} * channels);
    }
  }

  __device__ void store(int part, int step, int buffer) {
    const int chunk = chunk_of(step);
    const Norm& norm = chunk < conv_.first_chunks ? conv_.x.first.norm : conv_.x.second.norm;
    const bool normed = !Block::gradient && norm && is_there(chunk);
    float scale[8], offset[8];
    if (normed) {
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
      const int pixel = is_there(chunk) ? source(v) : -1;
      uint4 value = pixel >= 0 ? values_[i] : uint4{0, 0, 0, 0};
      if (normed && pixel >= 0) value = normalised(value, scale, offset, norm.relu);
      *reinterpret_cast<uint4*>(shared_.pixels + buffer * shared_.buffer + plane() * shared_.plane +
                                16 * slot(v)) = value;
    }
  }

 private:
  // Chunks are of the taps in turn.
  static constexpr bool gathers = Block::doubling && Block::gradient;
  static constexpr int vectors = Block::fetched_vectors;
  static constexpr int planes = Block::planes, in_part = (vectors + Block::parts - 1) / Block::parts;

  static constexpr unsigned no_slot = 0xFFFF;

  // A warp brings so many pixels at once; where those of all its vectors lie.
  static constexpr int at_once = 32 / planes, warp_sources = vectors * at_once;
  __device__ static int warp() {
    return static_cast<int>(threadIdx.x) / 32;
  }
  __device__ int* sources() const {
    return shared_.sources + warp() * warp_sources;
  }
  __device__ int source(int i) const {
    return sources()[i * at_once + threadIdx.x % 32 / planes];
  }

  __device__ static int plane() {
    return threadIdx.x % planes;
  }
  __device__ static int half() {
    return threadIdx.x % 2;
  }
  // Of a step, the chunk that the thread's vectors belong to; the last step may lack one.
  __device__ static int chunk_of(int step) {
    return step * Block::step_chunks + plane() / 2;
  }
  __device__ bool is_there(int chunk) const {
    return Block::step_chunks == 1 || chunk < conv_.chunks;
  }
  // Which of the tiles' input pixels vector i is of.
  __device__ static int at(int i) {
    return (static_cast<int>(threadIdx.x) + i * Block::threads) / planes;
  }
  __device__ int slot(int i) const {
    return slots_[i / 2] >> (16 * (i % 2)) & 0xFFFF;
  }

  const ConvMma& conv_;
  const ConvShared<Block>& shared_;
  unsigned slots_[(vectors + 1) / 2];  // where vectors go, by 16 bytes; two in a word
  uint4 values_[in_part];
};

}  // namespace fermion::kernels
