// Kernels of the kind this tool is meant for, against plain loops on the host: a 3x3 convolution as an
// implicit GEMM, a causal flash-attention forward pass, a plain matrix product. The first two use ldmatrix,
// mma and a cp.async pipeline over XOR-swizzled shared memory. With -DBUG_WAIT, -DBUG_SYNC or -DBUG_REUSE a
// synchronisation is left out (see run.sh).
#include "attention.h"
#include "products.h"
#include "test.h"

static std::vector<bf16> random_bf16(size_t n, uint32_t seed, float scale = 1) {
  std::vector<bf16> v(n);
  for (auto& x : v) x = __float2bfloat16(uniform(seed) * scale);
  return v;
}
static double dot(const bf16* x, const bf16* y, int n) {
  double sum = 0;
  for (int i = 0; i < n; i++) sum += (double)__bfloat162float(x[i]) * __bfloat162float(y[i]);
  return sum;
}

struct Images {
  int N, H, W, C, K;
};
static double convolved(const Images& m, const bf16* x, const bf16* w, int n, int h, int v, int k) {
  double r = 0;
  for (int a = 0; a < 3; a++)
    for (int b = 0; b < 3; b++) {
      int hh = h + a - 1, vv = v + b - 1;
      if (hh < 0 || hh >= m.H || vv < 0 || vv >= m.W) continue;
      r += dot(x + (((size_t)n * m.H + hh) * m.W + vv) * m.C, w + ((size_t)k * 9 + a * 3 + b) * m.C, m.C);
    }
  return r;
}
static void convolution() {
  const Images m{2, 7, 9, 64, 128};
  const int pixels = m.N * m.H * m.W;
  auto x = random_bf16((size_t)pixels * m.C, 1), w = random_bf16((size_t)m.K * 9 * m.C, 2, 0.1f);
  auto bias = uniforms(m.K, 3);
  bf16* dy = device_array<bf16>((size_t)pixels * m.K);
  const int smem = ST * 2 * 64 * 64 * 2;
  if (smem > 48 << 10) CK(cudaFuncSetAttribute(conv3x3, cudaFuncAttributeMaxDynamicSharedMemorySize, smem));
  conv3x3<<<dim3((pixels + 63) / 64, m.K / 64), 128, smem>>>(to_device(x), to_device(w), to_device(bias), dy,
                                                             m.N, m.H, m.W, m.C, m.K);
  CK(cudaGetLastError());
  auto y = to_host(dy, (size_t)pixels * m.K);
  double e = 0;
  for (int p = 0; p < pixels; p++)
    for (int k = 0; k < m.K; k++) {
      double r = bias[k] + convolved(m, x.data(), w.data(), p / (m.H * m.W), p / m.W % m.H, p % m.W, k);
      r = r > 0 ? r : 0;
      e = worst(e, fabs(__bfloat162float(y[(size_t)p * m.K + k]) - r) / (1 + fabs(r)));
    }
  check("3x3 convolution", e < 4.1e-3);  // one bf16 rounding
}

static void attention() {
  const int T = 150, BH = 3, D = 64;
  auto q = random_bf16((size_t)BH * T * D, 4), k = random_bf16((size_t)BH * T * D, 5),
       v = random_bf16((size_t)BH * T * D, 6);
  bf16* dO = device_array<bf16>(q.size());
  float* dL = device_array<float>(BH * T);
  flash_fwd<<<dim3((T + 63) / 64, BH), 128>>>(to_device(q), to_device(k), to_device(v), dO, dL, T, 0.125f);
  auto o = to_host(dO, q.size());
  auto L = to_host(dL, BH * T);
  double eo = 0, el = 0;
  std::vector<double> p(T);
  for (int row = 0; row < BH * T; row++) {
    const int first = row / T * T, keys = row % T + 1;
    double m = -1e30, s = 0;
    for (int j = 0; j < keys; j++) {
      p[j] = dot(&q[(size_t)row * D], &k[(size_t)(first + j) * D], D) * 0.125;
      m = fmax(m, p[j]);
    }
    for (int j = 0; j < keys; j++) s += p[j] = exp(p[j] - m);
    el = worst(el, fabs(L[row] - (m + log(s))));
    for (int c = 0; c < D; c++) {
      double r = 0;
      for (int j = 0; j < keys; j++) r += p[j] / s * __bfloat162float(v[(size_t)(first + j) * D + c]);
      eo = worst(eo, fabs(r - __bfloat162float(o[(size_t)row * D + c])));
    }
  }
  check("flash attention output", eo < 8e-3);
  check("flash attention log-sum-exp", el < 1e-4);
}

static void matrix_product() {
  const int n = 64;
  auto a = uniforms(n * n, 9), b = uniforms(n * n, 10);
  float* dc = device_array<float>(n * n);
  sgemm<<<dim3(n / 16, n / 16), dim3(16, 16)>>>(to_device(a), to_device(b), dc, n);
  auto c = to_host(dc, n * n);
  double e = 0;
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      double r = 0;
      for (int k = 0; k < n; k++) r += (double)a[i * n + k] * b[k * n + j];
      e = worst(e, fabs(r - c[i * n + j]));
    }
  check("sgemm", e < 1e-4);
}

int main() {
  convolution();
  attention();
  matrix_product();
  return finish();
}
