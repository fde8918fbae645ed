// Two kernels of the kind this tool is meant for, against plain loops on the host:
// a 3x3 convolution as an implicit GEMM, and a causal flash-attention forward pass. Both use
// ldmatrix, mma and a cp.async pipeline over XOR-swizzled shared memory. With -DBUG_WAIT,
// -DBUG_SYNC or -DBUG_REUSE a synchronisation is left out (see run.sh).
#include "products.h"
#include "test.h"

// One (batch*head, 64 query rows) per block, 4 warps of 16 rows, head dimension 64, tiles of 64
// keys, double-buffered. Writes O and the log-sum-exp.
__global__ void __launch_bounds__(128)
    flash_fwd(const bf16* Q, const bf16* K, const bf16* V, bf16* O, float* L, int T, float scale) {
  __shared__ __align__(128) bf16 sq[64 * 64], sk[2][64 * 64], sv[2][64 * 64];
  const int t = threadIdx.x, l = t & 31, wp = t >> 5, q0 = blockIdx.x * 64, row0 = wp * 16;
  const size_t base = (size_t)blockIdx.y * T * 64;
  auto at = [&](bf16* s, int r, int c) { return smem_addr(s + r * 64 + ((c ^ (r & 7)) << 3)); };
  auto load = [&](bf16* s, const bf16* g, int first) {
    for (int i = t; i < 512; i += 128) {
      int r = i >> 3, c = i & 7, ok = first + r < T;
      cp16(at(s, r, c), ok ? g + base + (size_t)(first + r) * 64 + c * 8 : g, ok ? 16 : 0);
    }
  };
  load(sq, Q, q0);
  load(sk[0], K, 0);
  load(sv[0], V, 0);
  commit();
  const int tiles = min(q0 + 64, T + 63) / 64;
  float o[8][4] = {}, mx[2] = {-INFINITY, -INFINITY}, sum[2] = {0, 0};
  unsigned fq[4][4];
  for (int tile = 0; tile < tiles; tile++) {
    int s = tile & 1;
    if (tile + 1 < tiles) {
      load(sk[s ^ 1], K, (tile + 1) * 64);
      load(sv[s ^ 1], V, (tile + 1) * 64);
    }
    commit();
    wait<1>();
    __syncthreads();
    if (tile == 0)
      for (int kk = 0; kk < 4; kk++) ldm4(fq[kk], at(sq, row0 + (l & 15), kk * 2 + (l >> 4)));
    float p[8][4] = {};
    for (int kk = 0; kk < 4; kk++)
      for (int j = 0; j < 4; j++) {
        unsigned fb[4];
        ldm4(fb, at(sk[s], j * 16 + (l & 7) + (l >> 4) * 8, kk * 2 + ((l >> 3) & 1)));
        mma(p[j * 2], fq[kk], fb[0], fb[1]);
        mma(p[j * 2 + 1], fq[kk], fb[2], fb[3]);
      }
    for (int h = 0; h < 2; h++) {
      int row = q0 + row0 + h * 8 + (l >> 2);
      float m = mx[h];
      for (int j = 0; j < 8; j++)
        for (int e = 0; e < 2; e++) {
          int col = tile * 64 + j * 8 + (l & 3) * 2 + e;
          float& v = p[j][h * 2 + e];
          v = col <= row && col < T ? v * scale : -INFINITY;
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
    for (int kk = 0; kk < 4; kk++) {  // the scores become the left operand
      unsigned fa[4];
      for (int q = 0; q < 4; q++) {
        const float* v = p[kk * 2 + (q >> 1)] + (q & 1) * 2;
        __nv_bfloat162 b = __floats2bfloat162_rn(v[0], v[1]);
        fa[q] = *(unsigned*)&b;
      }
      for (int j = 0; j < 4; j++) {
        unsigned fb[4];
        ldm4t(fb, at(sv[s], kk * 16 + (l & 15), j * 2 + (l >> 4)));
        mma(o[j * 2], fa, fb[0], fb[1]);
        mma(o[j * 2 + 1], fa, fb[2], fb[3]);
      }
    }
#ifndef BUG_REUSE
    __syncthreads();
#endif
  }
  for (int h = 0; h < 2; h++) {
    sum[h] += __shfl_xor_sync(~0u, sum[h], 1);
    sum[h] += __shfl_xor_sync(~0u, sum[h], 2);
    int row = q0 + row0 + h * 8 + (l >> 2);
    if (row >= T) continue;
    for (int j = 0; j < 8; j++)
      *(__nv_bfloat162*)(O + base + (size_t)row * 64 + j * 8 + (l & 3) * 2) =
          __floats2bfloat162_rn(o[j][h * 2] / sum[h], o[j][h * 2 + 1] / sum[h]);
    if ((l & 3) == 0) L[(size_t)blockIdx.y * T + row] = mx[h] + logf(sum[h]);
  }
}

static std::vector<bf16> random_bf16(size_t n, uint32_t seed, float scale = 1) {
  std::vector<bf16> v(n);
  for (auto& x : v) x = __float2bfloat16(uniform(seed) * scale);
  return v;
}

int main() {
  {
    int N = 2, H = 7, W = 9, C = 64, K = 128;
    auto x = random_bf16((size_t)N * H * W * C, 1), w = random_bf16((size_t)K * 9 * C, 2, 0.1f);
    std::vector<float> bias(K);
    uint32_t s = 3;
    for (auto& b : bias) b = uniform(s);
    bf16 *dx = to_device(x), *dw = to_device(w), *dy;
    float* db = to_device(bias);
    CK(cudaMalloc(&dy, (size_t)N * H * W * K * 2));
    const int smem = ST * 2 * 64 * 64 * 2;
    if (smem > 48 << 10) CK(cudaFuncSetAttribute(conv3x3, cudaFuncAttributeMaxDynamicSharedMemorySize, smem));
    conv3x3<<<dim3((N * H * W + 63) / 64, K / 64), 128, smem>>>(dx, dw, db, dy, N, H, W, C, K);
    CK(cudaGetLastError());
    CK(cudaDeviceSynchronize());
    auto y = to_host(dy, (size_t)N * H * W * K);
    double e = 0;
    for (int n = 0; n < N; n++)
      for (int h = 0; h < H; h++)
        for (int v = 0; v < W; v++)
          for (int k = 0; k < K; k++) {
            double r = bias[k];
            for (int a = 0; a < 3; a++)
              for (int b = 0; b < 3; b++) {
                int hh = h + a - 1, vv = v + b - 1;
                if (hh < 0 || hh >= H || vv < 0 || vv >= W) continue;
                for (int c = 0; c < C; c++)
                  r += (double)__bfloat162float(x[(((size_t)n * H + hh) * W + vv) * C + c]) *
                       __bfloat162float(w[((size_t)k * 9 + a * 3 + b) * C + c]);
              }
            r = r > 0 ? r : 0;
            double got = __bfloat162float(y[(((size_t)n * H + h) * W + v) * K + k]);
            double err = fabs(got - r) / (1 + fabs(r));
            if (!(err <= e)) e = err;
          }
    check("3x3 convolution", e < 4.1e-3);  // one bf16 rounding
  }
  {
    int T = 150, BH = 3;
    auto q = random_bf16((size_t)BH * T * 64, 4), k = random_bf16((size_t)BH * T * 64, 5),
         v = random_bf16((size_t)BH * T * 64, 6);
    bf16 *dq = to_device(q), *dk = to_device(k), *dv = to_device(v), *dO;
    float* dL;
    CK(cudaMalloc(&dO, q.size() * 2));
    CK(cudaMalloc(&dL, BH * T * 4));
    flash_fwd<<<dim3((T + 63) / 64, BH), 128>>>(dq, dk, dv, dO, dL, T, 0.125f);
    CK(cudaDeviceSynchronize());
    auto o = to_host(dO, q.size());
    auto L = to_host(dL, BH * T);
    double eo = 0, el = 0;
    std::vector<double> p(T);
    for (int b = 0; b < BH; b++)
      for (int i = 0; i < T; i++) {
        double m = -1e30, s = 0;
        for (int j = 0; j <= i; j++) {
          double d = 0;
          for (int c = 0; c < 64; c++)
            d += (double)__bfloat162float(q[((size_t)b * T + i) * 64 + c]) *
                 __bfloat162float(k[((size_t)b * T + j) * 64 + c]);
          p[j] = d * 0.125;
          m = fmax(m, p[j]);
        }
        for (int j = 0; j <= i; j++) s += p[j] = exp(p[j] - m);
        el = fmax(el, fabs(L[b * T + i] - (m + log(s))));
        for (int c = 0; c < 64; c++) {
          double r = 0;
          for (int j = 0; j <= i; j++) r += p[j] / s * __bfloat162float(v[((size_t)b * T + j) * 64 + c]);
          double err = fabs(r - __bfloat162float(o[((size_t)b * T + i) * 64 + c]));
          if (!(err <= eo)) eo = err;
        }
      }
    check("flash attention output", eo < 8e-3);
    check("flash attention log-sum-exp", el < 1e-4);
  }
  {
    int n = 64;
    std::vector<float> a(n * n), b(n * n);
    uint32_t s = 9;
    for (auto& x : a) x = uniform(s);
    for (auto& x : b) x = uniform(s);
    float *da = to_device(a), *db = to_device(b), *dc;
    CK(cudaMalloc(&dc, n * n * 4));
    sgemm<<<dim3(n / 16, n / 16), dim3(16, 16)>>>(da, db, dc, n);
    CK(cudaDeviceSynchronize());
    auto c = to_host(dc, n * n);
    double e = 0;
    for (int i = 0; i < n; i++)
      for (int j = 0; j < n; j++) {
        double r = 0;
        for (int k = 0; k < n; k++) r += (double)a[i * n + k] * b[k * n + j];
        e = fmax(e, fabs(r - c[i * n + j]));
      }
    check("sgemm", e < 1e-4);
  }
  return finish();
}
