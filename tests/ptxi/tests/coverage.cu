// Broader instruction coverage: things an engine may use. Each kernel is checked against the host.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "test.h"
namespace cg = cooperative_groups;
__global__ void k1(const float* x, float* y, unsigned* u, __nv_bfloat16* b, __nv_bfloat162* b2, __half2* h2,
                   double* d, int n) {
  int t = threadIdx.x;
  y[t] = __ldg(x + t) + __ldcs(x + t) + __ldcg(x + t);
  __stcs(y + 64 + t, 2.f);
  u[t] = __byte_perm(t * 0x01020304u, 0xa0b0c0d0u, 0x5140 + t % 8);
  u[64 + t] = __funnelshift_l(t, t * 77, t) ^ __funnelshift_r(t, t * 99, t & 7) ^ __funnelshift_lc(t, 5, 33);
  u[128 + t] = __dp4a((int)(t * 0x01020304), (int)0xff02fe04, t) + __vadd4(t * 0x01010101, 0x7f7f7f7f) +
               __sad(t, 30, 2u);
  u[192 + t] = __brev(t) + __clzll(t) + __ffsll((long long)t << 33) + __popcll(t * 0x123456789ull);
  atomicAdd(b2 + (t & 1), __floats2bfloat162_rn(1.f, 2.f));
  atomicAdd(h2 + (t & 1), __floats2half2_rn(1.f, 0.5f));
  b[t] = __hmax(__float2bfloat16(x[t]), __float2bfloat16(0.25f));
  b[64 + t] = __hfma_relu(__float2bfloat16(x[t]), __float2bfloat16(2.f), __float2bfloat16(-0.5f));
  __nv_bfloat162 e = h2exp(__floats2bfloat162_rn(x[t], -x[t]));
  b[128 + t] = __low2bfloat16(e);
  b[192 + t] = hrsqrt(__float2bfloat16(fabsf(x[t]) + 1));
  d[t] = sqrt((double)t) + exp((double)x[t]) + __fma_rn((double)x[t], 2.0, 1.0) + __dadd_ru(1e-30, (double)t);
  y[128 + t] = __fadd_rz(x[t], 1e-8f) + __fmul_ru(x[t], 1.1f) + __fdiv_rn(x[t], 3.f) +
               __fsqrt_rd(fabsf(x[t])) + __frcp_rn(x[t] + 5.f);
  y[192 + t] = __saturatef(x[t]) + __int2float_rz(t * 16777217) + __float2int_rd(x[t] * 10) +
               __uint2float_ru(0xffffffffu - t);
  float m;
  asm("tanh.approx.f32 %0, %1;" : "=f"(m) : "f"(x[t]));
  y[256 + t] = m;
  __half2 hg = __hgt2(__floats2half2_rn(x[t], 0), __floats2half2_rn(0, x[t]));
  y[320 + t] = __low2float(hg) + 2 * __high2float(hg);
  bool any = __hbgt2(__floats2half2_rn(x[t], x[t]), __floats2half2_rn(0, 0));
  y[384 + t] = any;
  int8_t c = (int8_t)(t * 3);
  short s = (short)(t * 1000);
  y[448 + t] = c + s + (c < 5) + (s > 100);
  *(char4*)(u + 256 + t) = make_char4(t, -t, 3, 4);
  u[320 + t] = (unsigned)(unsigned char)((char*)(u + 256 + t))[1];
  u[384 + t] = min(max((int)t - 32, -5), 5) + abs((int)t - 32) + __mul24(t, 7) + __mulhi(t << 28, 77) +
               __hadd(t, 9) + __rhadd(t, 4);
  u[448 + t] = __vmaxs2(t * 0x00010003, 0x00200020);
}
__global__ void k2(int* o) {
  auto w = cg::tiled_partition<32>(cg::this_thread_block());
  int t = threadIdx.x;
  o[t] = cg::reduce(w, t, cg::plus<int>());
  o[64 + t] = w.ballot(t & 1);
  auto g = cg::coalesced_threads();
  o[128 + t] = g.size();
  if (t % 3 == 0) {
    auto q = cg::coalesced_threads();
    o[192 + t] = q.size() * 100 + q.thread_rank();
  } else
    o[192 + t] = 0;
  o[256 + t] = __reduce_max_sync(~0u, (t * 7) % 31);
  cg::this_thread_block().sync();
  w.sync();
  o[320 + t] = __match_all_sync(~0u, t / 32, &o[384 + t]);
  o[448 + t] = __activemask();
  o[512 + t] = __shfl_down_sync(~0u, (double)t, 1);
}
struct Big {
  int n;
  float* p[4];
  float s[4];
};
__global__ void k3(const __grid_constant__ Big b, float4* o) {
  for (int i = 0; i < 4; i++)
    if (threadIdx.x < b.n) b.p[i][threadIdx.x] = b.s[(i + threadIdx.x) & 3];
  o[threadIdx.x] = make_float4(b.s[threadIdx.x & 3], 1, 2, 3);
}
template <int N>
__device__ float rec(float x) {
  if constexpr (N == 0)
    return x;
  else
    return rec<N - 1>(x * 1.1f) + 1;
}
__global__ void k4(float* y) {
  y[threadIdx.x] = rec<9>(threadIdx.x);
}
__global__ void k5(long long* p, unsigned long long* q, float* f) {
  atomicMin(p, (long long)threadIdx.x - 40);
  atomicMax(p + 1, (long long)threadIdx.x);
  atomicExch(q, 5ull);
  atomicInc((unsigned*)(q + 1), 10);
  atomicDec((unsigned*)(q + 2), 10);
  atomicXor((unsigned*)(q + 3), 1u << (threadIdx.x & 31));
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
int main() {
  std::vector<float> x(64);
  uint32_t s = 5;
  for (auto& v : x) v = uniform(s) * 2;
  float* dx = to_device(x);
  float* y;
  unsigned* u;
  __nv_bfloat16* b;
  __nv_bfloat162* b2;
  __half2* h2;
  double* d;
  int* o;
  CK(cudaMalloc(&y, 4096));
  CK(cudaMalloc(&u, 4096));
  CK(cudaMalloc(&b, 4096));
  CK(cudaMalloc(&b2, 64));
  CK(cudaMalloc(&h2, 64));
  CK(cudaMalloc(&d, 4096));
  CK(cudaMalloc(&o, 8192));
  CK(cudaMemset(b2, 0, 64));
  CK(cudaMemset(h2, 0, 64));
  k1<<<1, 64>>>(dx, y, u, b, b2, h2, d, 64);
  CK(cudaGetLastError());
  auto Y = to_host(y, 512);
  auto U = to_host(u, 512);
  auto B = to_host(b, 256);
  auto D = to_host(d, 64);
  auto B2 = to_host(b2, 2);
  auto H2 = to_host(h2, 2);
  int bad[16] = {};
  for (int t = 0; t < 64; t++) {
    bad[0] += Y[t] != x[t] + x[t] + x[t];
    bad[1] += Y[64 + t] != 2;
    bad[2] +=
        fabs(D[t] - (sqrt((double)t) + exp((double)x[t]) + (x[t] * 2.0 + 1) + nextafter((double)t, 1e9))) >
        1e-12 * (1 + fabs(D[t]));
    bad[3] += __bfloat162float(B[t]) != fmaxf(__bfloat162float(__float2bfloat16(x[t])), 0.25f);
    bad[4] += fabs(__bfloat162float(B[128 + t]) - exp(x[t])) > 0.02 * exp(x[t]);
    bad[5] += fabs(Y[256 + t] - tanh(x[t])) > 1e-5;
    bad[6] += Y[320 + t] != (x[t] > 0 ? 1 : 0) + 2 * (0 > x[t] ? 1 : 0);
    bad[7] += Y[384 + t] != (x[t] > 0);
    int8_t c = (int8_t)(t * 3);
    short sh = (short)(t * 1000);
    bad[8] += Y[448 + t] != c + sh + (c < 5) + (sh > 100);
    bad[9] += U[320 + t] != (unsigned)(unsigned char)(-t);
    uint64_t v = (uint64_t)0xa0b0c0d0u << 32 | (uint32_t)(t * 0x01020304u);
    uint32_t sel = 0x5140 + t % 8, r = 0;
    for (int i = 0; i < 4; i++) r |= (uint32_t)(v >> (8 * (sel >> (4 * i) & 7)) & 255) << (8 * i);
    bad[10] += U[t] != r;
  }
  bad[11] += __bfloat162float(B2[0].x) != 32 || __bfloat162float(B2[0].y) != 64;
  bad[12] += __half2float(H2[1].x) != 32 || __half2float(H2[1].y) != 16;
  for (int i = 0; i < 13; i++) {
    char n[20];
    sprintf(n, "k1.%d", i);
    check(n, !bad[i]);
  }
  k2<<<1, 64>>>(o);
  CK(cudaGetLastError());
  auto O = to_host(o, 576);
  TRUE(O[0] == 496 && O[40] == 496 + 1024);
  TRUE((unsigned)O[64] == 0xaaaaaaaau);
  TRUE(O[128] == 32);
  TRUE(O[192] == 1100 && O[192 + 63] == 1110);
  TRUE(O[256] == 30);
  TRUE((unsigned)O[320] == ~0u && O[384] == 1);
  TRUE((unsigned)O[448] == ~0u && O[512] == 1 && O[512 + 31] == 31);
  Big g;
  g.n = 60;
  for (int i = 0; i < 4; i++) {
    g.p[i] = y + 64 * i;
    g.s[i] = i + 0.5f;
  }
  k3<<<1, 64>>>(g, (float4*)o);
  CK(cudaGetLastError());
  Y = to_host(y, 256);
  TRUE(Y[65] == 2.5f && Y[192 + 2] == 1.5f);
  k4<<<1, 32>>>(y);
  CK(cudaGetLastError());
  CK(cudaMemset(u, 0, 4096));
  k5<<<1, 64>>>((long long*)u, (unsigned long long*)u + 4, y);
  CK(cudaGetLastError());
  auto L = to_host((long long*)u, 16);
  TRUE(L[0] == -40 && L[1] == 63 && L[4] == 5 && L[5] == 64 % 11);
  Y = to_host(y, 3);
  return finish();
}
