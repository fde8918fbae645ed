// ldmatrix, stmatrix, movmatrix: 8x8 matrices of 16-bit elements; lane l holds row l/4, elements
// 2*(l%4) and the next one. The transposed forms swap rows and columns.

#include <cstring>

#include "handlers.h"
#include "lane_addresses.h"

namespace ptxi {

static void matrix_rows(Warp& w, const Instruction& in, u64* addr) {
  lane_addresses(w, in.base, in.off, SP_SHARED, addr);
  for (int l = 0; l < 32; l++)
    if (addr[l] >> 56 == 1) addr[l] -= kSharedWindow;
}

static void count_matrix(Block& b, const Instruction& in, const u64* addr, u64* req, u64* waves, u64* ideal) {
  ++*req;
  for (int q = 0; q < in.n; q++) {  // one matrix at a time, like a quarter-warp 16-byte access
    u64 rows[32];
    for (int r = 0; r < 8; r++) rows[r] = addr[q * 8 + r];
    b.count_shared(rows, 0xff, 16, waves, ideal);
  }
}

void h_ldmatrix(Warp& w, const Instruction& in, u32) {
  Block& b = *w.block;
  u64 addr[32];
  matrix_rows(w, in, addr);
  if (b.counting) {
    Counters& c = b.counters_of(in);
    count_matrix(b, in, addr, &c.ldmatrix_requests, &c.ldmatrix_wavefronts, &c.ldmatrix_ideal);
  }
  const u32 lanes = in.n == 4 ? ~0u : (1u << 8 * in.n) - 1;  // those that give addresses
  u8* base = bulk_base(w, in, SP_SHARED, addr, lanes, 16, false, false);
  for (int q = 0; q < in.n; q++) {
    alignas(64) u32 rows[8][4];  // 8 rows of 8 halves
    for (int r = 0; r < 8; r++) {
      const int l = q * 8 + r;
      memcpy(rows[r], base ? base + addr[l] : b.address(w, l, in, SP_SHARED, addr[l], 16, false), 16);
    }
    u32* d = w.r32(in.d[q]);
    if (!in.mode) {
      memcpy(d, rows, 128);  // lane l = 4*row + pair: exactly the layout in memory
    } else {
      const u16* h = (const u16*)rows;
      for (int l = 0; l < 32; l++) {
        int r = (l % 4) * 2, c = l / 4;
        d[l] = h[r * 8 + c] | (u32)h[(r + 1) * 8 + c] << 16;
      }
    }
  }
}

void h_stmatrix(Warp& w, const Instruction& in, u32) {
  Block& b = *w.block;
  u64 addr[32];
  matrix_rows(w, in, addr);
  if (b.counting) {
    Counters& c = b.counters_of(in);
    count_matrix(b, in, addr, &c.stmatrix_requests, &c.stmatrix_wavefronts, &c.stmatrix_ideal);
  }
  for (int q = 0; q < in.n; q++) {
    u16 h[8][8];
    for (int l = 0; l < 32; l++) {
      u32 v = w.r32(in.s[q])[l];
      for (int j = 0; j < 2; j++) {
        int r = l / 4, c = (l % 4) * 2 + j;
        (in.mode ? h[c][r] : h[r][c]) = (u16)(v >> (16 * j));
      }
    }
    for (int r = 0; r < 8; r++)
      memcpy(b.address(w, q * 8 + r, in, SP_SHARED, addr[q * 8 + r], 16, true), h[r], 16);
  }
}

void h_movmatrix(Warp& w, const Instruction& in, u32) {
  u16 h[64];
  memcpy(h, w.r32(in.s[0]), 128);
  u32* d = w.r32(in.d[0]);
  for (int l = 0; l < 32; l++) {
    int r = (l % 4) * 2, c = l / 4;
    d[l] = h[r * 8 + c] | (u32)h[(r + 1) * 8 + c] << 16;
  }
}

}  // namespace ptxi
