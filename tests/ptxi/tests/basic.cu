// Integer, float, half and warp instructions, atomics, local memory, calls, switch tables, printf.
#include <cooperative_groups.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "test.h"
namespace cg = cooperative_groups;

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

__global__ void kwarp(int* o) {
  int t = threadIdx.x, l = t & 31;
  unsigned b = __ballot_sync(~0u, (t * 7) % 3 == 0);
  int any = __any_sync(~0u, t == 77), all = __all_sync(~0u, t >= 0);
  int up = __shfl_up_sync(~0u, t, 3), dn = __shfl_down_sync(~0u, t, 5, 8);
  int ix = __shfl_sync(~0u, t * 2, (l * 5) & 31), bx = __shfl_xor_sync(~0u, t, 9, 16);
  unsigned mm = __match_any_sync(~0u, t % 5);
  int cnt = __syncthreads_count(t % 3 == 0), a2 = __syncthreads_and(t < 64), o2 = __syncthreads_or(t == 100);
  int sub = 0;
  if (l < 16)
    sub = __shfl_xor_sync(0xffffu, t, 1);
  else
    sub = __shfl_xor_sync(0xffff0000u, t, 2);
  auto tile = cg::tiled_partition<8>(cg::this_thread_block());
  int ts = t;
  for (int i = 4; i; i >>= 1) ts += tile.shfl_xor(ts, i);
  int cr = __reduce_add_sync(~0u, t);
  int* p = o + t * 14;
  p[0] = b;
  p[1] = any;
  p[2] = all;
  p[3] = up;
  p[4] = dn;
  p[5] = ix;
  p[6] = bx;
  p[7] = mm;
  p[8] = cnt;
  p[9] = a2;
  p[10] = o2;
  p[11] = sub;
  p[12] = ts;
  p[13] = cr;
}
__constant__ float cst[8] = {1, 2, 3, 4, 5, 6, 7, 8};
__device__ int gcount;
__device__ float gtab[4] = {0.5f, 1.5f, 2.5f, 3.5f};
__device__ __noinline__ float poly(float x, const float* c, int n) {
  float r = 0;
  for (int i = 0; i < n; i++) r = r * x + c[i];
  return r;
}
__device__ float atomicMaxF(float* a, float v) {
  int *p = (int*)a, o = *p, as;
  do {
    as = o;
    if (__int_as_float(as) >= v) break;
    o = atomicCAS(p, as, __float_as_int(v));
  } while (as != o);
  return __int_as_float(o);
}
__global__ void kmisc(const float* x, float* y, int n, unsigned* hist, float* mx, unsigned long long* s64,
                      double* sd) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  float loc[16];
  for (int k = 0; k < 16; k++) loc[k] = k * 0.5f;
  if (i < n) {
    int j = (int)(fabsf(x[i]) * 100) & 15;
    loc[j] += x[i];
    y[i] = poly(x[i], cst, 8) + loc[(j + i) & 15] + gtab[i & 3];
    atomicAdd(&hist[j], 1u);
    atomicMaxF(mx, x[i]);
    atomicAdd(s64, (unsigned long long)i);
    atomicAdd(sd, (double)x[i]);
    atomicAdd(&gcount, 1);
  }
}
extern __shared__ float dsm[];
__global__ void kscan(const float* x, float* y, int n) {
  int t = threadIdx.x;
  dsm[t] = t < n ? x[t] : 0;
  __syncthreads();
  for (int d = 1; d < blockDim.x; d <<= 1) {
    float v = t >= d ? dsm[t - d] : 0;
    __syncthreads();
    dsm[t] += v;
    __syncthreads();
  }
  if (t < n) y[t] = dsm[t];
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
// A lane-level spin lock and an inter-warp flag: forward progress of diverged lanes and warps
__global__ void kspin(int* lock, int* sum) {
  __shared__ volatile int flag;
  if (threadIdx.x == 0) flag = 0;
  __syncthreads();
  bool done = false;
  while (!done) {
    if (atomicCAS(lock, 0, 1) == 0) {
      *(volatile int*)sum += 1;
      __threadfence();
      atomicExch(lock, 0);
      done = true;
    }
  }
  if (threadIdx.x == 33) flag = 1;
  if (threadIdx.x == 0)
    while (!flag) {
    }
}
// Grid synchronisation in a cooperative launch
__global__ void kgrid(int* a, int* b) {
  int i = blockIdx.x * blockDim.x + threadIdx.x, n = gridDim.x * blockDim.x;
  a[i] = i * 3;
  cg::this_grid().sync();
  b[i] = a[n - 1 - i];
}
__global__ void kprintf() {
  if (threadIdx.x == 1) printf("hello %d %.2f %s %llu\n", threadIdx.x, 1.5, "str", 12345678901ull);
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
    const int T = 128;
    int* d;
    CK(cudaMalloc(&d, T * 56));
    kwarp<<<1, T>>>(d);
    auto h = to_host(d, T * 14);
    int bad = 0;
    for (int t = 0; t < T; t++) {
      int l = t & 31, w = t & ~31, cr = 0, ts = 0, cnt = 0;
      unsigned b = 0, mm = 0;
      for (int k = 0; k < 32; k++) {
        if (((w + k) * 7) % 3 == 0) b |= 1u << k;
        if ((w + k) % 5 == t % 5) mm |= 1u << k;
        cr += w + k;
      }
      for (int k = 0; k < 8; k++) ts += (t & ~7) + k;
      for (int k = 0; k < T; k++) cnt += k % 3 == 0;
      int r[14] = {(int)b,
                   w == 64,
                   1,
                   l >= 3 ? t - 3 : t,
                   (l & 7) + 5 < 8 ? t + 5 : t,
                   (w + ((l * 5) & 31)) * 2,
                   ((l & 15) ^ 9) + (t & ~15),
                   (int)mm,
                   cnt,
                   0,
                   1,
                   l < 16 ? t ^ 1 : t ^ 2,
                   ts,
                   cr};
      for (int k = 0; k < 14; k++) bad += r[k] != h[t * 14 + k];
    }
    check("warp instructions", !bad);
  }
  {
    unsigned* hi;
    float* mx;
    unsigned long long* s;
    double* sd;
    CK(cudaMalloc(&hi, 64));
    CK(cudaMalloc(&mx, 4));
    CK(cudaMalloc(&s, 8));
    CK(cudaMalloc(&sd, 8));
    CK(cudaMemset(hi, 0, 64));
    CK(cudaMemset(mx, 0, 4));
    CK(cudaMemset(s, 0, 8));
    CK(cudaMemset(sd, 0, 8));
    kmisc<<<(n + 95) / 96, 96>>>(dx, dy, n, hi, mx, s, sd);
    auto hh = to_host(hi, 16);
    int gc;
    CK(cudaMemcpyFromSymbol(&gc, gcount, 4));
    y = to_host(dy, n);
    std::vector<unsigned> rh(16);
    float rm = 0;
    double rs = 0;
    int bad = 0;
    for (int i = 0; i < n; i++) {
      int j = (int)(fabsf(x[i]) * 100) & 15;
      rh[j]++;
      rm = fmaxf(rm, x[i]);
      rs += x[i];
      float r = 0;
      for (int k = 0; k < 8; k++) r = fmaf(r, x[i], k + 1.f);
      float lv = ((j + i) & 15) * 0.5f;
      if (((j + i) & 15) == j) lv += x[i];
      r = r + lv + (0.5f + (i & 3));
      bad += fabs(r - y[i]) > 1e-4 * (1 + fabs(r));
    }
    check("local memory, constants, calls", !bad);
    check("atomics", hh == rh && to_host(mx, 1)[0] == rm &&
                         to_host(s, 1)[0] == (unsigned long long)n * (n - 1) / 2 &&
                         fabs(to_host(sd, 1)[0] - rs) < 1e-9 && gc == n);
  }
  {
    kscan<<<1, 256, 1024>>>(dx, dy, 200);
    y = to_host(dy, 200);
    double r = 0, e = 0;
    for (int i = 0; i < 200; i++) e = fmax(e, fabs((r += x[i]) - y[i]));
    check("shared scan", e < 1e-4);
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
  {
    int* d;
    CK(cudaMalloc(&d, 8));
    CK(cudaMemset(d, 0, 8));
    kspin<<<3, 96>>>(d, d + 1);
    check("spin lock", to_host(d, 2)[1] == 288);
  }
  {
    int *a, *b, m = 16 * 64;
    CK(cudaMalloc(&a, m * 4));
    CK(cudaMalloc(&b, m * 4));
    void* args[] = {&a, &b};
    CK(cudaLaunchCooperativeKernel((void*)kgrid, dim3(16), dim3(64), args, 0, 0));
    auto h = to_host(b, m);
    int bad = 0;
    for (int i = 0; i < m; i++) bad += h[i] != (m - 1 - i) * 3;
    check("cooperative grid sync", !bad);
  }
  kprintf<<<1, 32>>>();
  CK(cudaGetLastError());
  return finish();
}
