// The gradient of a convolution of images by its weights on tensor cores.
//
//   dweight[k, co, a, b, c] = sum over pixels p of dy[k, p, co] x[k, p + (a, b) - 1, c]
//
// The patches of pixels never reach memory: of 64 images of 112 x 112 pixels 43 MB, written and read.
//
// A warp adds tiles of 4 rows of 16 pixels (kernels/conv_image_tiles.cuh) to 32 output channels by 27 numbers
// of the patches, padded to 32: numbers 8 b + 3 a + c, but of (a, c) = (2, 2) 24 + b. The 16 pixels of a row
// are the depth of the product. In shared memory lie, of each warp,
//
//   x    [3 copies, for b][6 rows, 36 words apart][3 channels, 12 words apart] x 8 pairs of pixels: pixel i
//        of copy b is pixel i + b of the tile's row
//   dy   [2 buffers][4 planes of 8 channels][64 pixels + 2] x 8 channels, of one tile and the next
//
// The sums of a block's warps are added in their order. No access meets a bank twice. Grid: x splits of the
// pixels, y output channels, z weight sets.
#include <algorithm>

#include "kernels/conv_image_tiles.cuh"
#include "kernels/conv_images_mma.h"
#include "kernels/conv_tiles.h"
#include "kernels/conv_wgrad.cuh"
#include "kernels/gemm.cuh"
#include "kernels/launch.cuh"

namespace fermion::kernels {
namespace {

struct ImageWgrad : ImageTile {
  static constexpr int warps = 8, threads = 32 * warps;
  static constexpr int made = 32;  // output channels of a block
  static constexpr int channel = 12, pitch = 36, copy = read_rows * pitch, words = 3 * copy;
  static constexpr int plane = 16 * (pixels + 2), buffer = made / 8 * plane;  // bytes of dy
  static constexpr int warp_bytes = 4 * words + 2 * buffer;

  // A warp's sums: [numbers by 16][output channels by 16][numbers by 8][of a fragment].
  static constexpr int taps = 1, spread = 2, P = warps, sums = taps * spread * 2 * 2 * 4;
};

// To all copies. Lanes 8 c + i bring pixels 2i and 2i + 1 of channel c, lane 24 + c the last two.
__device__ void store_rows(const ImageRows& rows, unsigned* to) {
  const int lane = threadIdx.x % 32, i = lane % 8, c = lane / 8;
#pragma unroll
  for (int r = 0; r < ImageWgrad::read_rows; ++r) {
    const unsigned after = __shfl_sync(0xFFFFFFFF, rows.words[r], i < 7 ? lane + 1 : 24 + c);
    if (c == 3) continue;
    unsigned* at = to + ImageWgrad::pitch * r + ImageWgrad::channel * c + i;
    at[0] = rows.words[r];
    at[ImageWgrad::copy] = __byte_perm(rows.words[r], after, 0x5432);
    at[2 * ImageWgrad::copy] = after;
  }
}

// Sets dy of a tile on its way.
__device__ void copy_dy(const ConvWgrad& conv, unsigned to, int tile) {
  const PixelTiles::Place place = conv.tiles.place(tile);
  const int lane = threadIdx.x % 32, plane = lane % 4;
  const int c = static_cast<int>(blockIdx.y) * ImageWgrad::made + 8 * plane;
  const bf16* from =
      conv.dy + blockIdx.z * (std::int64_t{conv.tiles.N} * conv.tiles.H * conv.tiles.W) * conv.Co + c;
#pragma unroll
  for (int p = lane / 4; p < ImageWgrad::pixels; p += 8) {
    const int pixel = conv.tiles.output(place, p);
    const bool there = pixel >= 0 && c < conv.Co;
    copy_async(to + plane * ImageWgrad::plane + 16 * p,
               there ? from + std::int64_t{pixel} * conv.Co : conv.dy, there);
  }
}

__device__ void multiply(const unsigned* x, unsigned dy, WgradSums<ImageWgrad>& sums) {
  const int lane = threadIdx.x % 32, g = lane / 4, q = lane % 4;
  const unsigned* first = x + g / 3 * ImageWgrad::pitch + g % 3 * ImageWgrad::channel + q;
  const unsigned* rest =
      x + (g < 3 ? g : 0) * ImageWgrad::copy + 2 * ImageWgrad::pitch + 2 * ImageWgrad::channel + q;
  // The matrices {8 channels, 8 pixels} next to each other differ in their channels.
  dy += lane / 8 % 2 * ImageWgrad::plane + 16 * (lane / 16 * 8 + lane % 8);
#pragma unroll
  for (int f = 0; f < ImageWgrad::rows; ++f) {
    unsigned a[2][4];
#pragma unroll
    for (int i = 0; i < 2; ++i) load_transposed(a[i], dy + 2 * i * ImageWgrad::plane + 16 * 16 * f);
#pragma unroll
    for (int n = 0; n < 4; ++n) {
      const unsigned* from = (n < 3 ? first + n * ImageWgrad::copy : rest) + f * ImageWgrad::pitch;
      const unsigned b[2] = {from[0], from[4]};
#pragma unroll
      for (int i = 0; i < 2; ++i) mma(sums.at[0][n / 2][i][n % 2], a[i], b[0], b[1]);
    }
  }
}

__global__ void __launch_bounds__(ImageWgrad::threads, 2)
    image_wgrad_kernel(const __grid_constant__ ConvWgrad conv) {
  extern __shared__ uint4 memory[];
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, q = lane % 4;
  char* own = reinterpret_cast<char*>(memory) + warp * ImageWgrad::warp_bytes;
  unsigned* x = reinterpret_cast<unsigned*>(own + 2 * ImageWgrad::buffer);
  const unsigned dy = shared_address(own);

  const std::int64_t image = std::int64_t{3} * conv.tiles.H * conv.tiles.W;
  const int first = lane < 24 ? 6 * (lane % 8) + lane / 8 : lane < 27 ? 48 + lane - 24 : -1;
  ImageRows next(conv.tiles, conv.x.first.y + blockIdx.z * conv.tiles.N * image, first, 3);
  WgradSums<ImageWgrad> sums{};
  const int count = conv.tiles.count, step = gridDim.x * ImageWgrad::warps;
  int tile = static_cast<int>(blockIdx.x) * ImageWgrad::warps + warp, buffer = 0;
  if (tile < count) {
    next.load(tile);
    copy_dy(conv, dy, tile);
  }
  for (; tile < count; tile += step, buffer ^= 1) {
    __syncwarp();
    store_rows(next, x);
    wait_for_copies();
    __syncwarp();
    if (tile + step < count) {
      next.load(tile + step);
      copy_dy(conv, dy + (buffer ^ 1) * ImageWgrad::buffer, tile + step);
    }
    multiply(x, dy + buffer * ImageWgrad::buffer, sums);
  }

  __syncthreads();
  add_warps<ImageWgrad>(reinterpret_cast<float*>(memory), 0, warp, sums);
  if (warp != 0) return;
  float* to = conv.sums.data + (std::int64_t{blockIdx.z} * gridDim.x + blockIdx.x) * conv.Co * 27;
#pragma unroll
  for (int n = 0; n < 4; ++n)
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int co = static_cast<int>(blockIdx.y) * ImageWgrad::made + 16 * (i / 4) + 8 * (i / 2 % 2) + g;
      const int number = 2 * q + i % 2;
      const int at = n < 3 ? number / 3 * 9 + n * 3 + number % 3 : 2 * 9 + number * 3 + 2;
      if (co < conv.Co && (n < 3 || number < 3))
        put(to + co * 27 + at, Floats<1>{sums.at[0][n / 2][i / 4][n % 2][i % 4]}, conv.sums.write);
    }
}

}  // namespace

void conv2d_images_weight_gradient_mma(Cuda ctx, const Conv2d& dims, const Conv2dInput<bf16>& x,
                                       const bf16* dy, Gradient<float> dweight) {
  ConvWgrad conv{.tiles = image_tiles(dims),
                 .Co = static_cast<int>(dims.Co),
                 .first_channels = 3,
                 .Ci = 3,
                 .x = x,
                 .dy = dy,
                 .sums = {}};
  constexpr int shared = ImageWgrad::warps * ImageWgrad::warp_bytes;
  const std::int64_t columns = blocks_for(dims.Co, ImageWgrad::made),
                     items = blocks_for(conv.tiles.count, ImageWgrad::warps);
  const int resident_blocks = std::clamp(most_shared_bytes() / shared, 1, 2);
  const std::int64_t splits =
                         blocks_in_rounds(items, ctx.multiprocessors * resident_blocks / (columns * dims.K)),
                     size = dims.Co * 27;
  conv.sums = splits == 1 ? dweight : Gradient<float>{ctx.workspace.take<float>(dims.K * splits * size)};
  launch(ctx, image_wgrad_kernel, {splits, columns, dims.K}, ImageWgrad::threads, shared, conv);
  if (splits > 1) add_splits(ctx, dims.K, splits, size, conv.sums.data, dweight);
}

}  // namespace fermion::kernels
