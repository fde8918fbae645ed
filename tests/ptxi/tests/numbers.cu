// Integer and float arithmetic, Philox: against the same code on the host. Constants of PTX.
#include <limits>

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

// Constants and expressions of them as operands, as macros make them. Their values are those that ptxas
// gives.
// clang-format off
#define WHOLE(X)                                                                                             \
  X("0b1011", 11) X("017", 15) X("0XfU", 15) X("0", 0) X("18446744073709551615", ~0ull) X("WARP_SZ - 1", 31) \
  X("1+2", 3) X("-1-1", -2) X("7-2-1", 4) X("1 + 2 * 3", 7) X("(1 + 2) * 3", 9) X("1<<4|3", 19) X("+3", 3)   \
  X("~3", ~3ull) X("!3", 0) X("!0", 1) X("--3", 3) X("-7/2", -3) X("~3/2", ~3ull / 2) X("-8>>1", -4)         \
  X("-7 %% 16", 9) X("1<<33", 1ull << 33) X("-1<1", 1) X("-1<1U", 0) X("2>=2", 1) X("5&3==3", 1)             \
  X("6^3&2", 4) X("1&&2||0", 1) X("3!=3", 0) X("3>2?5:6", 5) X("0?1:0?3:4", 4) X("(.u64)-1>>60", 15)         \
  X("(.s64)0xffffffffffffffff>>60", -1) X("1.5<2.5", 1) X("0x8000000000000000>>63", 1)
#define REAL(X) /* 0d and 0f: all the bits */                                                                \
  X("0.5", 0.5) X("-0.25", -0.25) X("1e1", 10) X("1.E+3", 1000) X(".5e-1", 0.05) X("0.1", 0.1)               \
  X("(1.0+0.5)*3.0", 4.5) X("1.0/4.0-2.0", -1.75) X("0d3ff8000000000000", 1.5) X("-0D3ff8000000000000", -1.5)
// clang-format on
__global__ void kconstants(uint64_t* whole, float* f, double* d, unsigned* others, float x) {
#define X(text, value) asm("mov.u64 %0, " text ";" : "=l"(*whole++));
  WHOLE(X)
#undef X
#define X(text, value)                                                 \
  asm("fma.rn.f32 %0, %1, " text ", " text ";" : "=f"(*f++) : "f"(x)); \
  asm("add.f64 %0, %1, " text ";" : "=d"(*d++) : "d"((double)x));
  REAL(X)
#undef X
  __shared__ unsigned s[64];
  s[threadIdx.x] = threadIdx.x;
  __syncwarp();
  const unsigned at = (unsigned)__cvta_generic_to_shared(s);
  asm volatile("ld.shared.u32 %0, [%1+4*8];" : "=r"(others[0]) : "r"(at) : "memory");
  asm volatile("ld.shared.u32 %0, [%1+16+4];" : "=r"(others[1]) : "r"(at) : "memory");
  asm volatile("ld.shared.u32 %0, [%1+-(4-8)];" : "=r"(others[2]) : "r"(at) : "memory");
  asm volatile(
      "{.reg .pred p, q; .reg .f32 f; mov.pred p, 2; mov.pred q, 4-4; @p mov.u32 %0, 1; @q mov.u32 %0, 2;"
      "setp.lt.f32 p, %2, 0.25; selp.u32 %1, 1+1, 0b11, p; bar.sync 1+1, 32;}"
      : "+r"(others[3]), "=r"(others[4])
      : "f"(x / 8));
  if (threadIdx.x) return;
  asm volatile(
      "{.shared .align 16 .b8 room[16]; .reg .u32 a; mov.u32 a, room+4*3; st.shared.f32 [a], 1.5;"
      "ld.shared.u32 %0, [room+(16-4)];}"
      : "=r"(others[5])::"memory");
}
static void constants() {
#define X(text, value) (uint64_t)(value),
  const std::vector<uint64_t> whole = {WHOLE(X)};
#undef X
#define X(text, value) value,
  const std::vector<double> real = {REAL(X)};
#undef X
  auto* w = device_array<uint64_t>(whole.size());
  auto* f = device_array<float>(real.size());
  auto* d = device_array<double>(real.size());
  auto* others = to_device(std::vector<unsigned>(6));
  kconstants<<<1, 32>>>(w, f, d, others, 1);
  check("whole constants", to_host(w, whole.size()) == whole);
  const auto F = to_host(f, real.size());
  const auto D = to_host(d, real.size());
  for (size_t i = 0; i < real.size(); i++) {
    check("constants of f32", F[i] == 2 * (float)real[i]);
    check("constants of f64", D[i] == 1 + real[i]);
  }
  check("constants in addresses, predicates, barriers and stores",
        to_host(others, 6) == std::vector<unsigned>{8, 5, 1, 1, 2, 0x3fc00000});
}

// NaN and numbers out of range to integers, by the notes on cvt in the PTX ISA.
template <class T>
struct Whole {
  T of_f32[4], of_f64[4];
};
struct Wholes {
  Whole<int16_t> s16;
  Whole<uint16_t> u16;
  Whole<int32_t> s32;
  Whole<uint32_t> u32;
  Whole<int64_t> s64;
  Whole<uint64_t> u64;
};
__global__ void kwhole(const float* x, Wholes* w) {
  for (int i = 0; i < 4; i++) {
    const double y = x[i];
#define TO(type, c)                                                            \
  asm("cvt.rzi." #type ".f32 %0, %1;" : "=" c(w->type.of_f32[i]) : "f"(x[i])); \
  asm("cvt.rzi." #type ".f64 %0, %1;" : "=" c(w->type.of_f64[i]) : "d"(y));
    TO(s16, "h") TO(u16, "h") TO(s32, "r") TO(u32, "r") TO(s64, "l") TO(u64, "l")
#undef TO
  }
}
template <class T>
static bool as_documented(const Whole<T>& w) {
  const T least = std::numeric_limits<T>::min(), most = std::numeric_limits<T>::max();
  const T top = (T)((uint64_t)1 << (8 * sizeof(T) - 1)), nan = sizeof(T) == 8 ? top : 0;
  return w.of_f64[0] == top && w.of_f32[0] == nan && w.of_f32[1] == most && w.of_f64[1] == most &&
         w.of_f32[2] == least && w.of_f64[2] == least && w.of_f32[3] == 5 && w.of_f64[3] == 5;
}
static void to_whole() {
  Wholes* d = device_array<Wholes>(1);
  kwhole<<<1, 1>>>(to_device(std::vector<float>{NAN, 1e30f, -1e30f, 5.75f}), d);
  const Wholes w = to_host(d, 1)[0];
  check("floats to 16 bits", as_documented(w.s16) && as_documented(w.u16));
  check("floats to 32 bits", as_documented(w.s32) && as_documented(w.u32));
  check("floats to 64 bits", as_documented(w.s64) && as_documented(w.u64));
}

int main() {
  integers();
  floats();
  random_numbers();
  constants();
  to_whole();
  return finish();
}
