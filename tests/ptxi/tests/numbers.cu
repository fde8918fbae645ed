// Integer, float and half arithmetic, conversions, Philox: against the same code, or loops, on the host.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "test.h"

// The same integer function on host and device.
__host__ __device__ inline uint64_t mulhi(uint64_t a, uint64_t b) {
#ifdef __CUDA_ARCH__
  return __umul64hi(a, b);
#else
  return (uint64_t)(((unsigned __int128)a * b) >> 64);
#endif
}
__host__ __device__ inline int bits(unsigned x) {
#ifdef __CUDA_ARCH__
  return __popc(x) * 100 + __clz(x) + 1000 * __ffs(x) + (int)(__brev(x) >> 20);
#else
  unsigned r = 0;
  for (int i = 0; i < 32; i++)
    if (x >> i & 1) r |= 1u << (31 - i);
  return __builtin_popcount(x) * 100 + (x ? __builtin_clz(x) : 32) + 1000 * __builtin_ffs(x) + (int)(r >> 20);
#endif
}
__host__ __device__ inline uint64_t zoo(uint32_t i) {
  int32_t s = (int32_t)(i * 2654435761u);
  uint32_t u = i * 40503u + 7;
  uint64_t r = 0;
  r += (uint64_t)(s / (int)(u % 97 + 1));
  r = r * 31 + (uint32_t)(s % (int)(u % 89 + 1));
  r = r * 31 + u / (i % 13 + 1) + u % (i % 17 + 1);
  r = r * 31 + mulhi((uint64_t)s * u, (uint64_t)u * 0x9E3779B97F4A7C15ull);
  r = r * 31 + bits(u);
  r = r * 31 + (int64_t)((int64_t)s * s / (int64_t)(u + 1));
  r = r * 31 + (s >> (i % 32)) + (u << (i % 31));
  r ^= (uint64_t)(int8_t)s + (uint16_t)u;
  r += ((uint64_t)u * u) % 1000003ull;
  unsigned rot = (u << (i & 31)) | (u >> ((32 - (i & 31)) & 31));
  r = r * 31 + rot;
  r = r * 31 + (uint32_t)(float)(u >> 1) + (int64_t)(double)s + (uint8_t)(u >> 3);
  if (i % 3 == 0)
    r += 5;
  else if (i % 5 == 1)
    for (unsigned k = 0; k < i % 11; k++) r = r * 7 + k;
  switch (i % 9) {
    case 0:
      r += i * 3;
      break;
    case 1:
      r ^= 77;
      break;
    case 2:
      r += i / 3;
      break;
    case 3:
      r -= 9 * s;
      break;
    case 4:
      r *= 5;
      break;
    case 5:
      r = ~r;
      break;
    case 6:
      r += r << 3;
      break;
    case 7:
      for (unsigned k = 0; k < (i & 15); k++) r += k * k;
      break;
    default:
      r += 9;
  }
  return r;
}
__global__ void kzoo(uint64_t* o, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) o[i] = zoo(i);
}
__host__ __device__ inline float math(float x) {
  return expf(x) + logf(fabsf(x) + 1e-3f) + sqrtf(fabsf(x)) + tanhf(x) + sinf(x * 3) + cosf(x) +
         1.f / (1.f + expf(-x)) + erff(x * 0.5f) + powf(fabsf(x) + 0.1f, 1.7f) + fminf(x, 0.3f) +
         fmaxf(x, -0.2f) + floorf(x * 5) + rintf(x * 7) + truncf(x * 3) + log1pf(fabsf(x)) +
         rsqrtf(fabsf(x) + 0.5f) + fmodf(x * 10, 3.f) + copysignf(2.f, x) + atanf(x) + (isnan(x) ? 1 : 0);
}
__global__ void kmath(const float* x, float* y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = math(x[i]);
}
__global__ void khalf(const float* x, float* y, int n) {
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
static float round_bf16(float f) {
  uint32_t u;
  memcpy(&u, &f, 4);
  u = (u + 0x7fff + (u >> 16 & 1)) & 0xffff0000;
  memcpy(&f, &u, 4);
  return f;
}
static float round_half(float f) {
  return __half2float(__float2half(f));
}
// Every 16-bit pattern through the conversions, and floats around the rounding points.
__global__ void kconvert(const uint32_t* u, uint32_t* o, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  float f = __uint_as_float(u[i]);
  o[i * 4] = __half_as_ushort(__float2half_rn(f));
  o[i * 4 + 1] = __bfloat16_as_ushort(__float2bfloat16_rn(f));
  o[i * 4 + 2] = __float_as_uint(__half2float(__ushort_as_half((unsigned short)i)));
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(o[i * 4 + 3]) : "f"(f));
}

// Philox 4x32-10 on both sides
__host__ __device__ inline void philox(uint32_t c[4], uint32_t k0, uint32_t k1) {
  for (int r = 0; r < 10; r++) {
    uint64_t p0 = (uint64_t)0xD2511F53u * c[0], p1 = (uint64_t)0xCD9E8D57u * c[2];
    uint32_t n0 = (uint32_t)(p1 >> 32) ^ c[1] ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c[3] ^ k1;
    c[1] = (uint32_t)p1;
    c[3] = (uint32_t)p0;
    c[0] = n0;
    c[2] = n2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
}
__global__ void kphilox(uint4* o) {
  uint32_t c[4] = {blockIdx.x * blockDim.x + threadIdx.x, 1, 2, 3};
  philox(c, 42, 7);
  o[c[0] * 0 + blockIdx.x * blockDim.x + threadIdx.x] = make_uint4(c[0], c[1], c[2], c[3]);
}
int main() {
  const int n = 3000;
  uint32_t seed = 3;
  {
    uint64_t* d;
    CK(cudaMalloc(&d, n * 8));
    kzoo<<<(n + 127) / 128, 128>>>(d, n);
    auto h = to_host(d, n);
    int bad = 0;
    for (int i = 0; i < n; i++) bad += h[i] != zoo(i);
    check("integer instructions", !bad);
  }
  std::vector<float> x(n), y(n * 6);
  for (auto& q : x) q = uniform(seed) * 3;
  float *dx = to_device(x), *dy;
  CK(cudaMalloc(&dy, n * 24));
  {
    kmath<<<(n + 63) / 64, 64>>>(dx, dy, n);
    y = to_host(dy, n);
    double e = 0;
    for (int i = 0; i < n; i++) {
      float r = math(x[i]);
      e = fmax(e, fabs(r - y[i]) / (1 + fabs(r)));
    }
    check("float math", e < 2e-6);
  }
  {
    khalf<<<(n + 63) / 64, 64>>>(dx, dy, n);
    y = to_host(dy, n * 6);
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
  {
    const int m = 1 << 16;
    std::vector<uint32_t> u(m);
    for (int i = 0; i < m; i++) {  // every half value, plus or minus half a unit or nearly so
      float f = __half2float(__ushort_as_half((unsigned short)i));
      memcpy(&u[i], &f, 4);
      uint32_t d[] = {0, 1, 0xfff, 0x1000, 0x1001, 0x8000, 0x7fff};
      if ((u[i] & 0x7f800000) != 0x7f800000) u[i] += d[lcg(seed) % 7];
    }
    uint32_t *du = to_device(u), *dout;
    CK(cudaMalloc(&dout, m * 16));
    kconvert<<<m / 256, 256>>>(du, dout, m);
    auto o = to_host(dout, m * 4);
    int bad[4] = {};
    for (int i = 0; i < m; i++) {
      float f, g = __half2float(__ushort_as_half((unsigned short)i));
      memcpy(&f, &u[i], 4);
      uint32_t gi, t = u[i];
      memcpy(&gi, &g, 4);
      bool nan = f != f;
      bad[0] += nan ? o[i * 4] != 0x7fff : o[i * 4] != __half_as_ushort(__float2half_rn(f));
      bad[1] += nan ? o[i * 4 + 1] != 0x7fff : o[i * 4 + 1] != __bfloat16_as_ushort(__float2bfloat16_rn(f));
      bad[2] += g != g ? (o[i * 4 + 2] & 0x7fffffff) <= 0x7f800000 : o[i * 4 + 2] != gi;
      if ((t & 0x7f800000) != 0x7f800000) bad[3] += o[i * 4 + 3] != ((t + 0x1000) & ~0x1fffu);
    }
    check("float to half", !bad[0]);
    check("float to bf16", !bad[1]);
    check("half to float", !bad[2]);
    check("float to tf32", !bad[3]);
  }
  {
    uint4* d;
    CK(cudaMalloc(&d, 1024 * 16));
    kphilox<<<8, 128>>>(d);
    auto h = to_host(d, 1024);
    int bad = 0;
    for (uint32_t i = 0; i < 1024; i++) {
      uint32_t c[4] = {i, 1, 2, 3};
      philox(c, 42, 7);
      bad += c[0] != h[i].x || c[1] != h[i].y || c[2] != h[i].z || c[3] != h[i].w;
    }
    check("philox", !bad);
  }
  return finish();
}
