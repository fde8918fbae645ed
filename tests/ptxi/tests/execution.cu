// Warp instructions, atomics, local memory, calls, spin locks, grid synchronisation, printf.
#include <cooperative_groups.h>

#include "test.h"
namespace cg = cooperative_groups;

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
  int *p = (int*)a, o = *(volatile int*)p, as;
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
// A block waits for the one before it, or for the one after it: one of them begins later under any order of
// blocks.
__global__ void kturns(int* turn, int* sums, bool reversed) {
  const int mine = reversed ? gridDim.x - 1 - blockIdx.x : blockIdx.x;
  if (threadIdx.x == 0)
    while (*(volatile int*)turn != mine) {
    }
  __threadfence();
  __syncthreads();
  sums[threadIdx.x] = 2 * sums[threadIdx.x] + mine;
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) *(volatile int*)turn = mine + 1;
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
  std::vector<float> x(n), y(n);
  for (auto& q : x) q = uniform(seed) * 3;
  float *dx = to_device(x), *dy;
  CK(cudaMalloc(&dy, n * 4));
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
    int* d;
    CK(cudaMalloc(&d, 8));
    CK(cudaMemset(d, 0, 8));
    kspin<<<3, 96>>>(d, d + 1);
    check("spin lock", to_host(d, 2)[1] == 288);
  }
  for (bool reversed : {false, true}) {
    int* d;
    CK(cudaMalloc(&d, 65 * 4));
    CK(cudaMemset(d, 0, 65 * 4));
    kturns<<<5, 64>>>(d, d + 1, reversed);
    check("blocks that wait for each other", to_host(d, 65)[64] == 26);  // 2(2(2(2 0 + 1) + 2) + 3) + 4
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
  CK(cudaDeviceSynchronize());
  return finish();
}