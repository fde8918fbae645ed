// Half types and tf32: arithmetic, intrinsics, packed atomics; conversions of every half, and of floats
// around the rounding points.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "results.h"

constexpr int n = 3000;

__global__ void khalf(const float* x, float* y) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  float a = x[i], c = x[(i + 1) % n];
  __nv_bfloat16 b = __float2bfloat16(a);
  __half h = __float2half(a);
  __nv_bfloat162 b2 = __floats2bfloat162_rn(a, c);
  __half2 h2 = __floats2half2_rn(a, c);
  b2 = __hfma2(b2, b2, b2);
  h2 = __hmul2(h2, h2);
  h2 = __hadd2(h2, h2);
  y[i * 6] = __bfloat162float(b);
  y[i * 6 + 1] = __half2float(h);
  y[i * 6 + 2] = __low2float(b2);
  y[i * 6 + 3] = __high2float(b2);
  y[i * 6 + 4] = __low2float(h2);
  y[i * 6 + 5] = __high2float(h2) + __half2float(__hmax(h, __float2half(0.25f)));
}

static uint32_t float_bits(float f) {
  uint32_t u;
  memcpy(&u, &f, 4);
  return u;
}
static float bits_float(uint32_t u) {
  float f;
  memcpy(&f, &u, 4);
  return f;
}
static float round_bf16(float f) {
  uint32_t u = float_bits(f);
  return bits_float((u + 0x7fff + (u >> 16 & 1)) & 0xffff0000);
}
static float round_half(float f) {
  return __half2float(__float2half(f));
}

static void half_arithmetic() {
  auto x = uniforms(n, 3, 3);
  float* dy = device_array<float>(n * 6);
  khalf<<<(n + 63) / 64, 64>>>(to_device(x), dy);
  auto y = to_host(dy, n * 6);
  int bad = 0;
  for (int i = 0; i < n; i++) {
    float a = x[i], b = x[(i + 1) % n], ra = round_bf16(a), rb = round_bf16(b), ha = round_half(a),
          hb = round_half(b);
    float r[6] = {ra,
                  ha,
                  round_bf16(fmaf(ra, ra, ra)),
                  round_bf16(fmaf(rb, rb, rb)),
                  round_half(2 * round_half(ha * ha)),
                  round_half(2 * round_half(hb * hb)) + fmaxf(ha, 0.25f)};
    for (int k = 0; k < 6; k++) bad += r[k] != y[i * 6 + k];
  }
  check("half precision", !bad);
}

__global__ void kintrinsics(const float* x, float* y, __nv_bfloat162* b2, __half2* h2) {
  const int t = threadIdx.x;
  const __nv_bfloat16 b = __float2bfloat16(x[t]);
  y += t;
  y[0] = __bfloat162float(__hmax(b, __float2bfloat16(0.25f)));
  y[64] = __bfloat162float(__hfma_relu(b, __float2bfloat16(2.f), __float2bfloat16(-0.5f)));
  const __nv_bfloat162 e = h2exp(__floats2bfloat162_rn(x[t], -x[t]));
  y[128] = __low2float(e);
  y[192] = __high2float(e);
  y[256] = __bfloat162float(hrsqrt(__float2bfloat16(fabsf(x[t]) + 1)));
  const __half2 greater = __hgt2(__floats2half2_rn(x[t], 0), __floats2half2_rn(0, x[t]));
  y[320] = __low2float(greater) + 2 * __high2float(greater);
  y[384] = __hbgt2(__floats2half2_rn(x[t], x[t]), __floats2half2_rn(0, 0));
  atomicAdd(b2 + (t & 1), __floats2bfloat162_rn(1.f, 2.f));
  atomicAdd(h2 + (t & 1), __floats2half2_rn(1.f, 0.5f));
}
static void intrinsics() {
  const auto x = uniforms(threads, 5, 2);
  float* dy = device_array<float>(threads * 7);
  auto b2 = to_device(std::vector<__nv_bfloat162>(2, __floats2bfloat162_rn(0, 0)));
  auto h2 = to_device(std::vector<__half2>(2, __floats2half2_rn(0, 0)));
  kintrinsics<<<1, threads>>>(to_device(x), dy, b2, h2);
  const auto y = to_host(dy, threads * 7);
  equal("maximum of bf16", y, 0, [&](int t) { return fmaxf(round_bf16(x[t]), 0.25f); });
  equal("multiply-add and ReLU of bf16", y, 1,
        [&](int t) { return fmaxf(round_bf16(round_bf16(x[t]) * 2 - 0.5f), 0); });
  close("exp of the first bf16", y, 2, 0.01, [&](int t) { return exp(x[t]); });
  close("exp of the second bf16", y, 3, 0.01, [&](int t) { return exp(-x[t]); });
  close("reciprocal root of bf16", y, 4, 0.01, [&](int t) { return 1 / sqrt(fabs(x[t]) + 1); });
  equal("comparison of halves", y, 5, [&](int t) { return (x[t] > 0) + 2 * (0 > x[t]); });
  equal("comparison of all halves", y, 6, [&](int t) { return x[t] > 0; });
  const auto B = to_host(b2, 2);
  const auto H = to_host(h2, 2);
  for (int i = 0; i < 2; i++) {
    check("packed atomics of bf16", __low2float(B[i]) == 32 && __high2float(B[i]) == 64);
    check("packed atomics of halves", __low2float(H[i]) == 32 && __high2float(H[i]) == 16);
  }
}

// Half i, whatever u is, and floats u to the other types.
__global__ void kconvert(const uint32_t* u, uint32_t* o) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  float f = __uint_as_float(u[i]);
  o[i * 4] = __half_as_ushort(__float2half_rn(f));
  o[i * 4 + 1] = __bfloat16_as_ushort(__float2bfloat16_rn(f));
  o[i * 4 + 2] = __float_as_uint(__half2float(__ushort_as_half((unsigned short)i)));
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(o[i * 4 + 3]) : "f"(f));
}
static float half_value(int i) {
  return __half2float(__ushort_as_half((unsigned short)i));
}
// Every half value, plus or minus half a unit or nearly so.
static std::vector<uint32_t> around_halves() {
  std::vector<uint32_t> u(1 << 16);
  uint32_t seed = 3, d[] = {0, 1, 0xfff, 0x1000, 0x1001, 0x8000, 0x7fff};
  for (int i = 0; i < 1 << 16; i++) {
    u[i] = float_bits(half_value(i));
    if ((u[i] & 0x7f800000) != 0x7f800000) u[i] += d[lcg(seed) % 7];
  }
  return u;
}
static void conversions() {
  const auto u = around_halves();
  const int m = (int)u.size();
  uint32_t* dout = device_array<uint32_t>(m * 4);
  kconvert<<<m / 256, 256>>>(to_device(u), dout);
  auto o = to_host(dout, m * 4);
  int bad[4] = {};
  for (int i = 0; i < m; i++) {
    float f = bits_float(u[i]), g = half_value(i);
    bad[0] += o[i * 4] != (f != f ? 0x7fff : __half_as_ushort(__float2half_rn(f)));
    bad[1] += o[i * 4 + 1] != (f != f ? 0x7fff : __bfloat16_as_ushort(__float2bfloat16_rn(f)));
    bad[2] += g != g ? (o[i * 4 + 2] & 0x7fffffff) <= 0x7f800000 : o[i * 4 + 2] != float_bits(g);
    if ((u[i] & 0x7f800000) != 0x7f800000) bad[3] += o[i * 4 + 3] != ((u[i] + 0x1000) & ~0x1fffu);
  }
  check("float to half", !bad[0]);
  check("float to bf16", !bad[1]);
  check("half to float", !bad[2]);
  check("float to tf32", !bad[3]);
}

// Sums and integers so near the middle between two bf16 that doubles do not tell them from it.
__global__ void kround_once(const uint32_t* x, uint32_t* o, int64_t n) {
  asm("fma.rn.bf16 %0, %1, %2, %3;"
      : "=h"(*(uint16_t*)o)
      : "h"((uint16_t)x[0]), "h"((uint16_t)x[1]), "h"((uint16_t)x[2]));
  asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(o[1]) : "r"(x[0]), "r"(x[1]), "r"(x[2]));
  asm("cvt.rn.bf16.s64 %0, %1;" : "=h"(*(uint16_t*)(o + 2)) : "l"(-n));
  asm("cvt.rn.bf16.u64 %0, %1;" : "=h"(*(uint16_t*)(o + 3)) : "l"(n));
  asm("cvt.rz.bf16.u64 %0, %1;" : "=h"(*(uint16_t*)(o + 4)) : "l"((1ull << 62) - 1));
  asm("cvt.rn.f32.s64 %0, %1;" : "=r"(o[5]) : "l"((1ll << 62) + (1ll << 38) + 1));
  asm("cvt.rp.f16.u64 %0, %1;" : "=h"(*(uint16_t*)(o + 6)) : "l"(2049ull));
}
static void round_once() {
  // 1.09375 * 1.375 + 2^-60 is above 1.5 + 2^-8, 1.0078125 * 1.5 - 2^-60 below 1.5 + 2^-7 + 2^-8: both 1.5 +
  // 2^-7.
  const auto x = to_device(std::vector<uint32_t>{0x3f813f8c, 0x3fc03fb0, 0xa1802180});
  auto* o = to_device(std::vector<uint32_t>(7));
  kround_once<<<1, 1>>>(x, o, (1ll << 62) + (1ll << 54) + 1);
  const auto got = to_host(o, 7);
  check("a fused sum is rounded to bf16 once", got[0] == 0x3fc1 && got[1] == 0x3fc13fc1);
  check("64-bit integers are rounded to bf16 once", got[2] == 0xde81 && got[3] == 0x5e81 && got[4] == 0x5e7f);
  check("and to f32", got[5] == 0x5e800001);
  check("integers are rounded upwards to f16", got[6] == 0x6801);
}

int main() {
  half_arithmetic();
  intrinsics();
  conversions();
  round_once();
  return finish();
}
