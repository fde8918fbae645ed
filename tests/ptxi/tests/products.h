// Kernels that kernels.cu tests and speed/ times: a convolution on tensor cores and a plain matrix product.
// With -DBUG_WAIT or -DBUG_SYNC a synchronisation is left out (see run.sh).
#pragma once
#include <cuda_bf16.h>

typedef __nv_bfloat16 bf16;

__device__ unsigned smem_addr(const void* p) {
  return (unsigned)__cvta_generic_to_shared(p);
}
// Where 16-byte chunk `c` of row `r` of a tile of 64 columns lies: at chunk c ^ (r & 7).
__device__ unsigned chunk(const bf16* tile, int r, int c) {
  return smem_addr(tile + r * 64 + ((c ^ (r & 7)) << 3));
}
__device__ void cp16(unsigned dst, const void* src, int bytes) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(dst), "l"(src), "r"(bytes));
}
__device__ void commit() {
  asm volatile("cp.async.commit_group;");
}
template <int N>
__device__ void wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(N));
}
__device__ void ldm4(unsigned* r, unsigned a) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3},[%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(a));
}
__device__ void ldm4t(unsigned* r, unsigned a) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3},[%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(a));
}
__device__ void mma(float* c, const unsigned* a, unsigned b0, unsigned b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
      "{%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// y[n,h,w,k] = relu(bias[k] + sum x[n,h+r-1,w+s-1,c] * w[k,r,s,c]); NHWC, C a multiple of 64, K
// of 64. A block computes 64 pixels x 64 channels with 4 warps of 32x32; three stages of 64x64
// tiles.
constexpr int ST = 3;
__global__ void __launch_bounds__(128)
    conv3x3(const bf16* x, const bf16* w, const float* bias, bf16* y, int N, int H, int W, int C, int K) {
  extern __shared__ __align__(128) bf16 sm[];
  const int t = threadIdx.x, l = t & 31, wp = t >> 5, wm = (wp >> 1) * 32, wn = (wp & 1) * 32;
  const int p0 = blockIdx.x * 64, k0 = blockIdx.y * 64, pixels = N * H * W, steps = 9 * C / 64;
  auto tile = [&](int s, int which) { return sm + (s * 2 + which) * 64 * 64; };
  auto load = [&](int step) {
    const int tap = step / (C / 64), c0 = step % (C / 64) * 64, dr = tap / 3 - 1, ds = tap % 3 - 1,
              s = step % ST;
    for (int i = t; i < 64 * 8; i += 128) {
      int r = i >> 3, c = i & 7, p = p0 + r, n = p / (H * W), h = p / W % H + dr, v = p % W + ds;
      bool ok = p < pixels && h >= 0 && h < H && v >= 0 && v < W;
      cp16(chunk(tile(s, 0), r, c), ok ? x + (((size_t)n * H + h) * W + v) * C + c0 + c * 8 : x, ok ? 16 : 0);
      cp16(chunk(tile(s, 1), r, c), w + ((size_t)(k0 + r) * 9 + tap) * C + c0 + c * 8, 16);
    }
  };
  float acc[2][4][4] = {};
  for (int s = 0; s < ST - 1; s++) {
    if (s < steps) load(s);
    commit();
  }
  for (int step = 0; step < steps; step++) {
#ifndef BUG_WAIT
    wait<ST - 2>();
#endif
#ifndef BUG_SYNC
    __syncthreads();
#endif
    if (step + ST - 1 < steps) load(step + ST - 1);
    commit();
    bf16 *a = tile(step % ST, 0), *b = tile(step % ST, 1);
    for (int kk = 0; kk < 4; kk++) {
      unsigned fa[2][4], fb[2][4];
      for (int i = 0; i < 2; i++) ldm4(fa[i], chunk(a, wm + i * 16 + (l & 15), kk * 2 + (l >> 4)));
      for (int j = 0; j < 2; j++)
        ldm4(fb[j], chunk(b, wn + j * 16 + (l & 7) + (l >> 4) * 8, kk * 2 + ((l >> 3) & 1)));
      for (int i = 0; i < 2; i++)
        for (int j = 0; j < 4; j++)
          mma(acc[i][j], fa[i], fb[j >> 1][(j & 1) * 2], fb[j >> 1][(j & 1) * 2 + 1]);
    }
  }
  for (int i = 0; i < 2; i++)
    for (int j = 0; j < 4; j++)
      for (int h = 0; h < 2; h++) {
        int p = p0 + wm + i * 16 + h * 8 + (l >> 2), k = k0 + wn + j * 8 + (l & 3) * 2;
        if (p >= pixels) continue;
        __nv_bfloat162 v = __floats2bfloat162_rn(fmaxf(acc[i][j][h * 2] + bias[k], 0.f),
                                                 fmaxf(acc[i][j][h * 2 + 1] + bias[k + 1], 0.f));
        *(__nv_bfloat162*)(y + (size_t)p * K + k) = v;
      }
}

// c = a b, all n x n, n a multiple of 16; a thread computes one element.
__global__ void sgemm(const float* a, const float* b, float* c, int n) {
  __shared__ float sa[16][16], sb[16][16];
  int x = threadIdx.x, y = threadIdx.y, i = blockIdx.y * 16 + y, j = blockIdx.x * 16 + x;
  float s = 0;
  for (int k = 0; k < n; k += 16) {
    sa[y][x] = a[i * n + k + x];
    sb[y][x] = b[(k + y) * n + j];
    __syncthreads();
    for (int q = 0; q < 16; q++) s += sa[y][q] * sb[q][x];
    __syncthreads();
  }
  c[i * n + j] = s;
}
