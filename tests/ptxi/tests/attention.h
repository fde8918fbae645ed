// A causal flash attention on tensor cores. With -DBUG_REUSE a synchronisation is left out (see run.sh).
#pragma once
#include "products.h"

// Rows `first` to first + 63 of x, zeros beyond T, into a tile.
__device__ void load_rows(bf16* tile, const bf16* x, int first, int T) {
  for (int i = threadIdx.x; i < 512; i += 128) {
    int r = i >> 3, c = i & 7, ok = first + r < T;
    cp16(chunk(tile, r, c), ok ? x + (size_t)(first + r) * 64 + c * 8 : x, ok ? 16 : 0);
  }
}
// p += q k^T, of 16 queries and 64 keys.
__device__ void add_scores(float (&p)[8][4], const unsigned (&fq)[4][4], const bf16* k, int l) {
  for (int kk = 0; kk < 4; kk++)
    for (int j = 0; j < 4; j++) {
      unsigned fb[4];
      ldm4(fb, chunk(k, j * 16 + (l & 7) + (l >> 4) * 8, kk * 2 + ((l >> 3) & 1)));
      mma(p[j * 2], fq[kk], fb[0], fb[1]);
      mma(p[j * 2 + 1], fq[kk], fb[2], fb[3]);
    }
}
// Scores of keys `first` and after become exp(score - maximum); maximum, sum and output of each row follow.
__device__ void softmax(float (&p)[8][4], float (&o)[8][4], float (&mx)[2], float (&sum)[2], int row,
                        int first, int T, float scale, int l) {
  for (int h = 0; h < 2; h++) {
    float m = mx[h];
    for (int j = 0; j < 8; j++)
      for (int e = 0; e < 2; e++) {
        int col = first + j * 8 + (l & 3) * 2 + e;
        float& v = p[j][h * 2 + e];
        v = col <= row + h * 8 && col < T ? v * scale : -INFINITY;
        m = fmaxf(m, v);
      }
    m = fmaxf(m, __shfl_xor_sync(~0u, m, 1));
    m = fmaxf(m, __shfl_xor_sync(~0u, m, 2));
    float f = __expf(mx[h] - m), r = 0;
    mx[h] = m;
    for (int j = 0; j < 8; j++)
      for (int e = 0; e < 2; e++) r += p[j][h * 2 + e] = __expf(p[j][h * 2 + e] - m);
    sum[h] = sum[h] * f + r;
    for (int j = 0; j < 8; j++) {
      o[j][h * 2] *= f;
      o[j][h * 2 + 1] *= f;
    }
  }
}
// o += p v; the scores become the left operand.
__device__ void add_values(float (&o)[8][4], const float (&p)[8][4], const bf16* v, int l) {
  for (int kk = 0; kk < 4; kk++) {
    unsigned fa[4];
    for (int q = 0; q < 4; q++) {
      const float* s = p[kk * 2 + (q >> 1)] + (q & 1) * 2;
      __nv_bfloat162 b = __floats2bfloat162_rn(s[0], s[1]);
      fa[q] = *(unsigned*)&b;
    }
    for (int j = 0; j < 4; j++) {
      unsigned fb[4];
      ldm4t(fb, chunk(v, kk * 16 + (l & 15), j * 2 + (l >> 4)));
      mma(o[j * 2], fa, fb[0], fb[1]);
      mma(o[j * 2 + 1], fa, fb[2], fb[3]);
    }
  }
}

// One (batch*head, 64 query rows) per block, 4 warps of 16 rows, head dimension 64, tiles of 64
// keys, double-buffered. Writes O and the log-sum-exp.
__global__ void __launch_bounds__(128)
    flash_fwd(const bf16* Q, const bf16* K, const bf16* V, bf16* O, float* L, int T, float scale) {
  __shared__ __align__(128) bf16 sq[64 * 64], sk[2][64 * 64], sv[2][64 * 64];
  const int l = threadIdx.x & 31, row0 = (threadIdx.x >> 5) * 16, q0 = blockIdx.x * 64;
  const int row = q0 + row0 + (l >> 2);  // and row + 8
  const size_t base = (size_t)blockIdx.y * T * 64;
  load_rows(sq, Q + base, q0, T);
  load_rows(sk[0], K + base, 0, T);
  load_rows(sv[0], V + base, 0, T);
  commit();
  const int tiles = min(q0 + 64, T + 63) / 64;
  float o[8][4] = {}, mx[2] = {-INFINITY, -INFINITY}, sum[2] = {0, 0};
  unsigned fq[4][4];
  for (int tile = 0; tile < tiles; tile++) {
    int s = tile & 1;
    if (tile + 1 < tiles) {
      load_rows(sk[s ^ 1], K + base, (tile + 1) * 64, T);
      load_rows(sv[s ^ 1], V + base, (tile + 1) * 64, T);
    }
    commit();
    wait<1>();
    __syncthreads();
    if (tile == 0)
      for (int kk = 0; kk < 4; kk++) ldm4(fq[kk], chunk(sq, row0 + (l & 15), kk * 2 + (l >> 4)));
    float p[8][4] = {};
    add_scores(p, fq, sk[s], l);
    softmax(p, o, mx, sum, row, tile * 64, T, scale, l);
    add_values(o, p, sv[s], l);
#ifndef BUG_REUSE
    __syncthreads();
#endif
  }
  for (int h = 0; h < 2; h++) {
    sum[h] += __shfl_xor_sync(~0u, sum[h], 1);
    sum[h] += __shfl_xor_sync(~0u, sum[h], 2);
    if (row + h * 8 >= T) continue;
    for (int j = 0; j < 8; j++)
      *(__nv_bfloat162*)(O + base + (size_t)(row + h * 8) * 64 + j * 8 + (l & 3) * 2) =
          __floats2bfloat162_rn(o[j][h * 2] / sum[h], o[j][h * 2 + 1] / sum[h]);
    if ((l & 3) == 0) L[(size_t)blockIdx.y * T + row + h * 8] = mx[h] + logf(sum[h]);
  }
}
