// Rows in shared memory, the fragments that a warp makes of them, and how its sums get back
// (kernels/attention_rows.cuh), by numbers that name their row and channel.
#include <cmath>
#include <set>
#include <vector>

#include "kernels/attention_rows.cuh"
#include "tests/kernels/banks.h"
#include "tests/kernels/cuda_rig.cuh"

using namespace fermion::kernels;
using namespace fermion::test;

namespace {

// Registers of all fragments, [Rows / 16][D / 16][lane][4]: rows first, channels first, rows first
// transposed. And where the tile keeps the threads' first vectors, and a lane's matrices.
template <int Rows, int D, int Stride>
__global__ void load_fragments(const bf16* from, int count, unsigned* rows_first, unsigned* channels_first,
                               unsigned* transposed, unsigned* vectors, unsigned* lanes) {
  using Tile = RowTile<Rows, D>;
  __shared__ uint4 memory[Tile::bytes / 16];
  const unsigned tile = shared_address(memory);
  Tile::template copy<Stride>(tile + Tile::vector(), from + Tile::template offset<Stride>(), count);
  wait_for_copies();
  __syncthreads();
  vectors[threadIdx.x] = Tile::vector();
  if (threadIdx.x >= 32) return;
  const int lane = threadIdx.x;
  lanes[lane] = Tile::rows_first(lane);
  lanes[32 + lane] = Tile::channels_first(lane);
  for (int r = 0; r < Rows / 16; ++r)
    for (int c = 0; c < D / 16; ++c) {
      unsigned words[3][4];
      load_matrices(words[0], tile + Tile::rows_first(lane) + Tile::at(r, c));
      load_matrices(words[1], tile + Tile::channels_first(lane) + Tile::at(r, c));
      load_transposed(words[2], tile + Tile::rows_first(lane) + Tile::at(r, c));
      for (int i = 0; i < 4; ++i) {
        const int at = ((r * (D / 16) + c) * 32 + lane) * 4 + i;
        rows_first[at] = words[0][i], channels_first[at] = words[1][i], transposed[at] = words[2][i];
      }
    }
}

template <int Rows, int D>
void check_tile(int count) {
  constexpr int stride = 3 * D, words = Rows * D / 2;
  using Tile = RowTile<Rows, D>;
  const auto code = [&](int row, int c) { return row < count ? static_cast<unsigned>(row * D + c + 1) : 0; };
  // Behind the last row that is there nothing may be read.
  Numbers<bf16> from(static_cast<std::size_t>((count - 1) * stride + D), [&](int i) {
    return bf16{static_cast<std::uint16_t>(i % stride < D ? code(i / stride, i % stride) : 0xFFFF)};
  });
  Numbers<unsigned> rows_first(words), channels_first(words), transposed(words),
      vectors(attention_mma_threads), lanes(64);
  CudaRig().run(load_fragments<Rows, D, stride>, {1}, attention_mma_threads, 0, from, count, rows_first,
                channels_first, transposed, vectors, lanes);
  INFO(count, " rows of ", Rows, " by ", D);
  for (int at = 0; at < words; ++at) {
    const int i = at % 4, lane = at / 4 % 32, g = lane / 4, q = lane % 4;
    const int row = at / 128 / (D / 16) * 16, c = at / 128 % (D / 16) * 16;
    const int low = i % 2 * 8, high = i / 2 * 8;
    INFO("fragment at row ", row, " and channel ", c, ", lane ", lane, ", register ", i);
    CHECK(rows_first[at] ==
          (code(row + low + g, c + high + 2 * q) | code(row + low + g, c + high + 2 * q + 1) << 16));
    CHECK(channels_first[at] ==
          (code(row + high + g, c + low + 2 * q) | code(row + high + g, c + low + 2 * q + 1) << 16));
    CHECK(transposed[at] ==
          (code(row + low + 2 * q, c + high + g) | code(row + low + 2 * q + 1, c + high + g) << 16));
  }

  constexpr int step = 16 * attention_mma_threads / Tile::planes;
  std::set<unsigned> places;
  for (int t = 0; t < attention_mma_threads; ++t)
    for (int i = 0; i < 16 * Rows / step; ++i) places.insert(vectors[t] + i * step);
  CHECK(places.size() == Rows * D / 8);
  CHECK(*places.rbegin() < Tile::bytes);
  check_quarters(attention_mma_threads, [&](int t) { return vectors[t]; });
  check_quarters(64, [&](int lane) { return lanes[lane]; });
}

constexpr int M = 2, columns = 64, put_stride = 72;

__device__ float code_of(bool row, int m, int n, int i) {
  const int lane = threadIdx.x;
  return static_cast<float>(row ? 16 * m + i / 2 * 8 + lane / 4 : 8 * n + 2 * (lane % 4) + i % 2);
}

// Sums that are their row, or their column: times 1 + m + 2 half to memory, and as operands A,
// [m][k][lane][4].
__global__ void put_codes(bool row, bf16* to, int count, Write write, unsigned* operands, int columns_there,
                          float* masked) {
  RowSums<M, columns / 8> sums;
  for (int m = 0; m < M; ++m)
    for (int n = 0; n < columns / 8; ++n)
      for (int i = 0; i < 4; ++i) sums.at[m][n][i] = code_of(row, m, n, i);
  put_rows(sums, to, put_stride, count, write,
           [](int m, int half) { return static_cast<float>(1 + m + 2 * half); });
  const int lane = threadIdx.x;
  for (int m = 0; m < M; ++m)
    for (int k = 0; k < columns / 16; ++k) {
      unsigned a[4];
      pack_rows(a, sums, m, k);
      for (int i = 0; i < 4; ++i) operands[((m * (columns / 16) + k) * 32 + lane) * 4 + i] = a[i];
    }
  mask_columns(sums, columns_there);
  for (int m = 0; m < M; ++m)
    for (int n = 0; n < columns / 8; ++n)
      for (int i = 0; i < 4; ++i)
        masked[(16 * m + i / 2 * 8 + lane / 4) * columns + 8 * n + 2 * (lane % 4) + i % 2] = sums.at[m][n][i];
}

}  // namespace

TEST_CASE("tiles of rows: every number in its fragment, zeros behind the last row, no bank twice") {
  for (const int count : {1, 29, 64}) {
    check_tile<64, 32>(count);
    check_tile<64, 64>(count);
    check_tile<64, 128>(count);
  }
  check_tile<32, 128>(17);
  check_tile<128, 32>(128);
  check_tile<128, 64>(100);
}

TEST_CASE("sums are stored in their rows, packed as operands, and masked by columns") {
  constexpr int count = 27, there = 37;
  for (const bool row : {false, true})
    for (const Write write : {Write::overwrite, Write::accumulate}) {
      Numbers<bf16> to(16 * M * put_stride, [](int) { return from_float<bf16>(1); });
      Numbers<unsigned> operands(16 * M * columns / 2);
      Numbers<float> masked(16 * M * columns);
      CudaRig().run(put_codes, {1}, 32, 0, row, to, count, write, operands, there, masked);
      for (int r = 0; r < 16 * M; ++r)
        for (int c = 0; c < put_stride; ++c) {
          const int code = row ? r : c, before = write == Write::accumulate ? 1 : 0;
          const float put = static_cast<float>((1 + r / 16 + 2 * (r / 8 % 2)) * code);
          const bool inside = r < count && c < columns;
          const float rounded =
              inside ? to_float(from_float<bf16>(to_float(from_float<bf16>(put)) + before)) : 1;
          INFO("row ", r, ", column ", c);
          CHECK(to_float(to[r * put_stride + c]) == rounded);
          if (c >= columns) continue;
          CHECK(masked[r * columns + c] == (c < there ? static_cast<float>(code) : -INFINITY));
          const int lane = r % 8 * 4 + c % 8 / 2, i = r / 8 % 2 + c / 8 % 2 * 2;
          const unsigned word = operands[((r / 16 * (columns / 16) + c / 16) * 32 + lane) * 4 + i];
          CHECK(to_float(bf16{static_cast<std::uint16_t>(c % 2 ? word >> 16 : word)}) ==
                static_cast<float>(code));
        }
    }
}
