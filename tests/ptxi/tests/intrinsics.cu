// Intrinsics of integers and floats, operations on bytes, structures as parameters, inlined recursion, 64-bit
// atomics, atomics of subnormal floats: against the host.
#include <algorithm>

#include "results.h"

__global__ void kintegers(unsigned* u) {
  int t = threadIdx.x;
  u += t;
  u[0] = __byte_perm(t * 0x01020304u, 0xa0b0c0d0u, 0x5140 + t % 8);
  u[64] = __funnelshift_l(t, t * 77, t) ^ __funnelshift_r(t, t * 99, t & 7) ^ __funnelshift_lc(t, 5, 33);
  u[128] = __dp4a((int)(t * 0x01020304), (int)0xff02fe04, t) + __sad(t, 30, 2u);
  u[192] = __vadd4(t * 0x01010101, 0x7f7f7f7f) ^ __vmaxs2(t * 0x00010003, 0x00200020);
  u[256] = __brev(t) + __clzll(t) + __ffsll((long long)t << 33) + __popcll(t * 0x123456789ull);
  u[320] = min(max(t - 32, -5), 5) + abs(t - 32) + __mul24(t, 7) + __mulhi(t << 28, 77) + __hadd(t, 9) +
           __rhadd(t, 4);
  int8_t c = (int8_t)(t * 3);
  short s = (short)(t * 1000);
  u[384] = c + s + (c < 5) + (s > 100);
  *(char4*)(u + 448) = make_char4(t, -t, 3, 4);
  u[512] = (unsigned)(unsigned char)((char*)(u + 448))[1];
}
static uint32_t byte_of(uint64_t v, int i) {
  return (uint32_t)(v >> (8 * i) & 255);
}
static void integers() {
  unsigned* d = device_array<unsigned>(threads * 9);
  kintegers<<<1, threads>>>(d);
  const auto u = to_host(d, threads * 9);
  equal("permuted bytes", u, 0, [](int t) {
    uint64_t v = (uint64_t)0xa0b0c0d0u << 32 | (uint32_t)(t * 0x01020304u);
    uint32_t sel = 0x5140 + t % 8, r = 0;
    for (int i = 0; i < 4; i++) r |= byte_of(v, sel >> (4 * i) & 7) << (8 * i);
    return r;
  });
  equal("funnel shifts", u, 1, [](int t) {
    const uint64_t left = (uint64_t)(t * 77) << 32 | t, right = (uint64_t)(t * 99) << 32 | t;
    return (uint32_t)(left << (t & 31) >> 32) ^ (uint32_t)(right >> (t & 7)) ^ (uint32_t)t;
  });
  equal("dot product of bytes, sum of differences", u, 2, [](int t) {
    int r = t + abs(t - 30) + 2;
    for (int i = 0; i < 4; i++) r += (int8_t)byte_of(t * 0x01020304u, i) * (int8_t)byte_of(0xff02fe04u, i);
    return (unsigned)r;
  });
  equal("packed integers", u, 3, [](int t) {
    uint32_t sums = 0;
    for (int i = 0; i < 4; i++) sums |= (byte_of(t * 0x01010101u, i) + 0x7f & 255) << (8 * i);
    return sums ^ ((uint32_t)std::max(t, 32) << 16 | (uint32_t)std::max(3 * t, 32));
  });
  equal("counted bits", u, 4, [](int t) {
    uint32_t reversed = 0;
    for (int i = 0; i < 32; i++) reversed |= ((uint32_t)t >> i & 1) << (31 - i);
    return reversed + (t ? __builtin_clzll(t) : 64) + __builtin_ffsll((long long)t << 33) +
           __builtin_popcountll(t * 0x123456789ull);
  });
  equal("minimum, absolute value, high product, averages", u, 5, [](int t) {
    const int high = (int)((int64_t)(int)((unsigned)t << 28) * 77 >> 32);
    return (unsigned)(std::min(std::max(t - 32, -5), 5) + abs(t - 32) + t * 7 + high + (t + 9) / 2 +
                      (t + 5) / 2);
  });
  equal("narrow integers", u, 6, [](int t) {
    const int8_t c = (int8_t)(t * 3);
    const short s = (short)(t * 1000);
    return (unsigned)(c + s + (c < 5) + (s > 100));
  });
  equal("a byte of four", u, 8, [](int t) { return (unsigned)(unsigned char)(-t); });
}

__global__ void kfloats(const float* x, float* y, double* d) {
  const int t = threadIdx.x;
  x += t;
  y += t;
  y[0] = __ldg(x) + __ldcs(x) + __ldcg(x);
  __stcs(y + 64, 2.f);
  y[128] = __fadd_rz(*x, 1e-8f);
  y[192] = __fmul_ru(*x, 1.1f);
  y[256] = __fsqrt_rd(fabsf(*x));
  y[320] = __fdiv_rn(*x, 3.f) + __frcp_rn(*x + 5.f);
  y[384] = __saturatef(*x) + __int2float_rz(t * 16777217) + __float2int_rd(*x * 10);
  y[448] = __uint2float_ru(0xffffffffu - t);
  asm("tanh.approx.f32 %0, %1;" : "=f"(y[512]) : "f"(*x));
  d[t] = sqrt((double)t) + exp((double)*x) + __fma_rn((double)*x, 2.0, 1.0);
  d[threads + t] = __dadd_ru(1e-30, (double)t);
}
static float upwards(double v) {
  const float f = (float)v;
  return f < v ? nextafterf(f, INFINITY) : f;
}
static float to_zero(double v) {
  const float f = (float)v;
  return fabs(f) > fabs(v) ? nextafterf(f, 0) : f;
}
static void floats() {
  const auto x = uniforms(threads, 5, 2);
  float* dy = device_array<float>(threads * 9);
  double* dd = device_array<double>(threads * 2);
  kfloats<<<1, threads>>>(to_device(x), dy, dd);
  const auto y = to_host(dy, threads * 9);
  const auto d = to_host(dd, threads * 2);
  equal("cached loads", y, 0, [&](int t) { return x[t] + x[t] + x[t]; });
  equal("a streaming store", y, 1, [](int) { return 2; });
  equal("a sum rounded to zero", y, 2, [&](int t) { return to_zero((double)x[t] + 1e-8f); });
  equal("a product rounded upwards", y, 3, [&](int t) { return upwards((double)x[t] * 1.1f); });
  equal("a root rounded downwards", y, 4, [&](int t) { return to_zero(sqrt((double)fabsf(x[t]))); });
  equal("a quotient and a reciprocal", y, 5, [&](int t) { return x[t] / 3.f + 1.f / (x[t] + 5.f); });
  equal("saturation, conversions to zero and downwards", y, 6,
        [&](int t) { return fminf(fmaxf(x[t], 0), 1) + to_zero(t * 16777217.) + (int)floorf(x[t] * 10); });
  equal("a conversion upwards", y, 7, [](int t) { return upwards(4294967295. - t); });
  close("tanh.approx", y, 8, 5e-6, [&](int t) { return tanh(x[t]); });
  close("doubles", d, 0, 1e-12,
        [&](int t) { return sqrt((double)t) + exp((double)x[t]) + (x[t] * 2.0 + 1); });
  equal("a double rounded upwards", d, 1, [](int t) { return t ? nextafter((double)t, 1e9) : 1e-30; });
}

// Modes of prmt, the n-th set bit, dot products of halves and bytes, distances of halves and bytes.
__global__ void kbytes(unsigned* u) {
  const unsigned t = threadIdx.x, a = 0x03020100, b = 0x07060504, c = t * 0x01234567, d = t * 0x89abcdef;
  u += t;
  asm("prmt.b32.f4e %0, %1, %2, %3;" : "=r"(u[0]) : "r"(a), "r"(b), "r"(t));
  asm("prmt.b32.b4e %0, %1, %2, %3;" : "=r"(u[64]) : "r"(a), "r"(b), "r"(t));
  asm("prmt.b32.rc8 %0, %1, %2, %3;" : "=r"(u[128]) : "r"(a), "r"(b), "r"(t));
  asm("prmt.b32.ecl %0, %1, %2, %3;" : "=r"(u[192]) : "r"(a), "r"(b), "r"(t));
  asm("prmt.b32.ecr %0, %1, %2, %3;" : "=r"(u[256]) : "r"(a), "r"(b), "r"(t));
  asm("prmt.b32.rc16 %0, %1, %2, %3;" : "=r"(u[320]) : "r"(a), "r"(b), "r"(t));
  u[384] = __fns(0x80f0f0f1, t % 32, (int)(t / 8) - 4);
  u[448] = __dp2a_lo((int)c, (int)d, (int)t) ^ __dp2a_hi(c, d, t);
  u[512] = __vabsdiffu4(c, d) ^ __vabsdiffs2(c, d);
  u[576] = __vsads4(c, d) ^ __vsadu2(c, d) << 8;
}
static uint32_t bit_from(uint32_t mask, int base, int offset) {
  int left = std::abs(offset);
  if (offset == 0) return mask >> base & 1 ? base : ~0u;
  for (int at = base; at >= 0 && at<32; at += offset> 0 ? 1 : -1)
    if (mask >> at & 1 && --left == 0) return at;
  return ~0u;
}
static void bytes() {
  static const uint32_t modes[6][4] = {
      {0x03020100, 0x04030201, 0x05040302, 0x06050403}, {0x05060700, 0x06070001, 0x07000102, 0x00010203},
      {0x00000000, 0x01010101, 0x02020202, 0x03030303}, {0x03020100, 0x03020101, 0x03020202, 0x03030303},
      {0x00000000, 0x01010100, 0x02020100, 0x03020100}, {0x01000100, 0x03020302, 0x01000100, 0x03020302}};
  unsigned* du = device_array<unsigned>(threads * 10);
  kbytes<<<1, threads>>>(du);
  const auto u = to_host(du, threads * 10);
  for (int m = 0; m < 6; m++) equal("modes of prmt", u, m, [&](int t) { return modes[m][t % 4]; });
  equal("the n-th set bit", u, 6, [](int t) { return bit_from(0x80f0f0f1, t % 32, t / 8 - 4); });
  const auto c = [](int t) { return t * 0x01234567u; };
  const auto d = [](int t) { return t * 0x89abcdefu; };
  equal("dot products of halves and bytes", u, 7, [&](int t) {
    uint32_t low = t, high = t;
    for (int i = 0; i < 2; i++) {
      low += (int16_t)(c(t) >> 16 * i) * (int8_t)byte_of(d(t), i);
      high += (c(t) >> 16 * i & 0xffff) * byte_of(d(t), i + 2);
    }
    return low ^ high;
  });
  equal("distances of bytes and halves", u, 8, [&](int t) {
    uint32_t r = 0;
    for (int i = 0; i < 4; i++) r |= (uint32_t)abs((int)byte_of(c(t), i) - (int)byte_of(d(t), i)) << 8 * i;
    for (int i = 0; i < 32; i += 16) r ^= (uint32_t)abs((int16_t)(c(t) >> i) - (int16_t)(d(t) >> i)) << i;
    return r;
  });
  equal("sums of distances", u, 9, [&](int t) {
    uint32_t s = 0, r = 0;
    for (int i = 0; i < 4; i++) s += abs((int8_t)byte_of(c(t), i) - (int8_t)byte_of(d(t), i));
    for (int i = 0; i < 32; i += 16) r += abs((int)(c(t) >> i & 0xffff) - (int)(d(t) >> i & 0xffff));
    return s ^ r << 8;
  });
}

struct Big {
  int n;
  float* p[4];
  float s[4];
};
__global__ void kstructure(const __grid_constant__ Big b, float4* o) {
  for (int i = 0; i < 4; i++)
    if (threadIdx.x < b.n) b.p[i][threadIdx.x] = b.s[(i + threadIdx.x) & 3];
  o[threadIdx.x] = make_float4(b.s[threadIdx.x & 3], 1, 2, 3);
}
static void structures() {
  float* y = device_array<float>(4 * threads);
  float4* o = device_array<float4>(threads);
  Big g;
  g.n = 60;
  for (int i = 0; i < 4; i++) {
    g.p[i] = y + threads * i;
    g.s[i] = i + 0.5f;
  }
  kstructure<<<1, threads>>>(g, o);
  const auto Y = to_host(y, 4 * threads);
  TRUE(Y[65] == 2.5f && Y[192 + 2] == 1.5f);
  TRUE(to_host(o, threads)[threads - 1].x == 3.5f);
}

template <int N>
__host__ __device__ float rec(float x) {
  if constexpr (N == 0)
    return x;
  else
    return rec<N - 1>(x * 1.1f) + 1;
}
__global__ void krecursive(float* y) {
  y[threadIdx.x] = rec<9>(threadIdx.x);
}
static void recursion() {
  float* y = device_array<float>(threads);
  krecursive<<<1, threads>>>(y);
  close("inlined recursion", to_host(y, threads), 0, 1e-6, [](int t) { return rec<9>(t); });
}

__global__ void katomics(long long* p, unsigned long long* q, float* f) {
  atomicMin(p, (long long)threadIdx.x - 40);
  atomicMax(p + 1, (long long)threadIdx.x);
  atomicExch(q, 5ull);
  atomicInc((unsigned*)(q + 1), 10);
  atomicDec((unsigned*)(q + 2), 10);
  atomicXor((unsigned*)(q + 3), 1u << threadIdx.x / 2);
  atomicAnd((unsigned*)(q + 4), ~(1u << (threadIdx.x & 31)));
  atomicAdd_block(f, 1.f);
  atomicAdd_system(f + 1, 2.f);
  __shared__ float s;
  if (threadIdx.x == 0) s = 0;
  __syncthreads();
  atomicAdd(&s, 1.f);
  __syncthreads();
  f[2] = s;
}
static void atomics() {
  auto p = to_device(std::vector<long long>(2));
  auto q = to_device(std::vector<unsigned long long>{0, 0, 0, 1, ~0ull});
  auto f = to_device(std::vector<float>(3));
  katomics<<<1, threads>>>(p, q, f);
  TRUE(to_host(p, 2) == (std::vector<long long>{-40, 63}));
  TRUE(to_host(q, 5) == (std::vector<unsigned long long>{5, 64 % 11, 2, 1, ~0ull << 32}));
  TRUE(to_host(f, 3) == (std::vector<float>{64, 128, 64}));
}

// Sums that are subnormal, or have a subnormal operand: flushed in global memory, kept in shared.
__global__ void ksubnormal(float* global, float* of_shared, const float* added) {
  __shared__ float s[3];
  const int t = threadIdx.x;
  s[t] = global[t];
  atomicAdd(&s[t], added[t]);
  atomicAdd(&global[t], added[t]);
  of_shared[t] = s[t];
}
static void subnormal_atomics() {
  const std::vector<float> start = {0, 1e-40f, 1.5e-38f}, added = {1e-40f, 2e-38f, -1.4e-38f};
  auto* global = to_device(start);
  auto* shared = device_array<float>(3);
  ksubnormal<<<1, 3>>>(global, shared, to_device(added));
  TRUE(to_host(global, 3) == (std::vector<float>{0, 2e-38f, 0}));
  TRUE(to_host(shared, 3) == (std::vector<float>{1e-40f, 1e-40f + 2e-38f, 1.5e-38f - 1.4e-38f}));
}

int main() {
  integers();
  floats();
  bytes();
  structures();
  recursion();
  atomics();
  subnormal_atomics();
  return finish();
}
