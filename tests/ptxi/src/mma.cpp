// mma.sync.m16n8k{4,8,16} for bf16, f16 and tf32.
//
// Products are exact, their sum is formed in double precision, and the accumulator is added before
// one rounding to the result type. Tensor cores sum with less precision, so results agree with
// hardware only up to a few units in the last place of the largest term.
//
// Fragment layout, in terms of registers seen as 8-row matrices (lane l = 4*g + q):
//   A register r holds rows 8*(r&1)+g; columns start at (r>>1) * half, where half is 8 for 16-bit
//   elements (two per register, q*2 and q*2+1) and 4 for tf32 (one, q).
//   B register r holds column g and rows r*half + the same positions.
//   C and D: f32 register i holds row g + 8*(i>>1), column 2*q + (i&1); f16 registers hold two.
// So the 32 lanes of an A register, in order, are a row-major 8 x half matrix, and those of a B
// register are the transpose of one.
#include <cstring>

#include "handlers.h"
#include "numeric.h"
#include "report.h"

namespace ptxi {

namespace {

// The elements of one register of all lanes, in lane order, as doubles.
template <Type T>
inline void unpack(const u32* r, double* out) {
  if (T == T_TF32) {
    for (int l = 0; l < 32; l++) out[l] = (double)tf32_operand(r[l]);
  } else {
    for (int l = 0; l < 32; l++) {
      u32 v = r[l];
      float lo, hi;
      if (T == T_BF16) {
        lo = u2f(v << 16);
        hi = u2f(v & 0xffff0000u);
      } else {
        lo = half_to_float(v & 0xffff);
        hi = half_to_float(v >> 16);
      }
      out[2 * l] = lo;
      out[2 * l + 1] = hi;
    }
  }
}

typedef double Vec8 __attribute__((vector_size(64)));

template <Type T, int K>
void mma(Warp& w, const Instruction& in, u32) {
  constexpr int half = T == T_TF32 ? 4 : 8, per = T == T_TF32 ? 1 : 2;
  constexpr int na = 16 * K / 32 / per, nb = 8 * K / 32 / per;
  alignas(64) double A[16][K], tmp[64], acc[128];  // acc: 16 rows of 8
  Vec8 B[K];                                       // B[k][n]
  for (int r = 0; r < na; r++) {
    unpack<T>(w.r32(in.s[r]), tmp);
    for (int g = 0; g < 8; g++)
      memcpy(&A[g + 8 * (r & 1)][(r >> 1) * half], &tmp[g * half], half * sizeof(double));
  }
  for (int r = 0; r < nb; r++) {
    unpack<T>(w.r32(in.s[na + r]), tmp);
    for (int j = 0; j < half; j++)
      B[r * half + j] = Vec8{tmp[j],
                             tmp[half + j],
                             tmp[2 * half + j],
                             tmp[3 * half + j],
                             tmp[4 * half + j],
                             tmp[5 * half + j],
                             tmp[6 * half + j],
                             tmp[7 * half + j]};
  }
  for (int i = 0; i < 16; i += 4) {  // four independent sums at a time
    Vec8 s0 = {}, s1 = {}, s2 = {}, s3 = {};
    for (int k = 0; k < K; k++) {
      s0 += A[i][k] * B[k];
      s1 += A[i + 1][k] * B[k];
      s2 += A[i + 2][k] * B[k];
      s3 += A[i + 3][k] * B[k];
    }
    memcpy(acc + i * 8, &s0, 64);
    memcpy(acc + i * 8 + 8, &s1, 64);
    memcpy(acc + i * 8 + 16, &s2, 64);
    memcpy(acc + i * 8 + 24, &s3, 64);
  }
  // Lane l of accumulator register i holds element 2*l + (i&1) of rows 0-7 (i < 2) or 8-15.
  // All of C is read before D is written, because they may share registers.
  u32 c[4][32];
  for (int i = 0; i < in.nd; i++) memcpy(c[i], w.r32(in.s[na + nb + i]), sizeof c[i]);
  if (in.t == T_F32) {
    for (int i = 0; i < 4; i++) {
      const u32* cr = c[i];
      const double* s = acc + (i >> 1) * 64 + (i & 1);
      u32* d = w.r32(in.d[i]);
#pragma GCC ivdep
      for (int l = 0; l < 32; l++) d[l] = canonical((float)((double)u2f(cr[l]) + s[2 * l]));
    }
  } else {
    for (int i = 0; i < 2; i++) {
      const u32* cr = c[i];
      const double* s = acc + i * 64;
      u32* d = w.r32(in.d[i]);
      for (int l = 0; l < 32; l++) {
        u32 v = cr[l];
        u32 lo = double_to_half((double)half_to_float(v & 0xffff) + s[2 * l]);
        u32 hi = double_to_half((double)half_to_float(v >> 16) + s[2 * l + 1]);
        d[l] = lo | hi << 16;
      }
    }
  }
}

}  // namespace

void h_mma(Warp& w, const Instruction& in, u32 m) {
  Block& b = *w.block;
  if (b.counting) {
    Counters& c = b.counters_of(in);
    c.mma_instructions++;
    c.mma_flops += (u64)2 * 16 * 8 * in.k;
  }
  switch (in.t2) {
    case T_BF16:
      return in.k == 16 ? mma<T_BF16, 16>(w, in, m) : mma<T_BF16, 8>(w, in, m);
    case T_F16:
      return in.k == 16 ? mma<T_F16, 16>(w, in, m) : mma<T_F16, 8>(w, in, m);
    default:
      break;
  }
  if (options().tf32_check)  // operands that were not rounded to tf32 lose bits silently
    for (int i = 0; i < (in.k == 8 ? 6 : 3); i++)
      for (int l = 0; l < 32; l++)
        if (w.r32(in.s[i])[l] & 0x1fff) {
          b.warn(in, "tf32 operand with nonzero low mantissa bits (it is truncated, not rounded)", &w, l);
          return in.k == 8 ? mma<T_TF32, 8>(w, in, m) : mma<T_TF32, 4>(w, in, m);
        }
  return in.k == 8 ? mma<T_TF32, 8>(w, in, m) : mma<T_TF32, 4>(w, in, m);
}

}  // namespace ptxi
