// Integer and float arithmetic, Philox: against the same code on the host.
#include "test.h"

constexpr int n = 3000;

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
  const unsigned __int128 wide = (unsigned __int128)mulhi(r, u) << 64 | r,
                          by = ((unsigned __int128)(i % 7) << 64 | r >> 7) + 1;
  r = r * 31 + (uint64_t)(wide / by) + (uint64_t)(wide % by >> 3);
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
__global__ void kzoo(uint64_t* o) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) o[i] = zoo(i);
}

static void integers() {
  uint64_t* d = device_array<uint64_t>(n);
  kzoo<<<(n + 127) / 128, 128>>>(d);
  auto h = to_host(d, n);
  int bad = 0;
  for (int i = 0; i < n; i++) bad += h[i] != zoo(i);
  check("integer instructions", !bad);
}

__host__ __device__ inline float math(float x) {
  return expf(x) + logf(fabsf(x) + 1e-3f) + sqrtf(fabsf(x)) + tanhf(x) + sinf(x * 3) + cosf(x) +
         1.f / (1.f + expf(-x)) + erff(x * 0.5f) + powf(fabsf(x) + 0.1f, 1.7f) + fminf(x, 0.3f) +
         fmaxf(x, -0.2f) + floorf(x * 5) + rintf(x * 7) + truncf(x * 3) + log1pf(fabsf(x)) +
         rsqrtf(fabsf(x) + 0.5f) + fmodf(x * 10, 3.f) + copysignf(2.f, x) + atanf(x) + (isnan(x) ? 1 : 0);
}
__global__ void kmath(const float* x, float* y) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = math(x[i]);
}
static void floats() {
  auto x = uniforms(n, 3, 3);
  float* dy = device_array<float>(n);
  kmath<<<(n + 63) / 64, 64>>>(to_device(x), dy);
  auto y = to_host(dy, n);
  double e = 0;
  for (int i = 0; i < n; i++) {
    float r = math(x[i]);
    e = worst(e, fabs(r - y[i]) / (1 + fabs(r)));
  }
  check("float math", e < 2e-6);
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
  uint32_t i = blockIdx.x * blockDim.x + threadIdx.x, c[4] = {i, 1, 2, 3};
  philox(c, 42, 7);
  o[i] = make_uint4(c[0], c[1], c[2], c[3]);
}
static void random_numbers() {
  uint4* d = device_array<uint4>(1024);
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

int main() {
  integers();
  floats();
  random_numbers();
  return finish();
}
