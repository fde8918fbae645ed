// Atomics, local and shared memory, calls, spin locks, blocks that wait for each other, printf.
#include <unistd.h>

#include "test.h"

constexpr int n = 3000;

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
__global__ void kmisc(const float* x, float* y, unsigned* hist, float* mx, unsigned long long* s64,
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
static void calls_and_atomics() {
  auto x = uniforms(n, 3, 3);
  float* dy = device_array<float>(n);
  auto hist = to_device(std::vector<unsigned>(16));
  auto mx = to_device(std::vector<float>(1));
  auto s64 = to_device(std::vector<unsigned long long>(1));
  auto sd = to_device(std::vector<double>(1));
  kmisc<<<(n + 95) / 96, 96>>>(to_device(x), dy, hist, mx, s64, sd);
  int gc;
  CK(cudaMemcpyFromSymbol(&gc, gcount, 4));
  auto y = to_host(dy, n);
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
    bad += !(fabs(r - y[i]) <= 1e-4 * (1 + fabs(r)));
  }
  check("local memory, constants, calls", !bad);
  check("atomics", to_host(hist, 16) == rh && to_host(mx, 1)[0] == rm &&
                       to_host(s64, 1)[0] == (unsigned long long)n * (n - 1) / 2 &&
                       fabs(to_host(sd, 1)[0] - rs) < 1e-9 && gc == n);
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
static void scan() {
  auto x = uniforms(200, 3, 3);
  float* dy = device_array<float>(200);
  kscan<<<1, 256, 1024>>>(to_device(x), dy, 200);
  auto y = to_host(dy, 200);
  double r = 0, e = 0;
  for (int i = 0; i < 200; i++) e = worst(e, fabs((r += x[i]) - y[i]));
  check("shared scan", e < 1e-4);
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
static void spin_lock() {
  int* d = to_device(std::vector<int>(2));
  kspin<<<3, 96>>>(d, d + 1);
  check("spin lock", to_host(d, 2)[1] == 288);
}

// Lanes add by generic addresses, some in shared memory, others in global memory.
__global__ void kgeneric(int* global, int* sums) {
  __shared__ int shared[32];
  const int t = threadIdx.x;
  shared[t] = global[t] = 0;
  __syncthreads();
  atomicAdd(t % 2 ? &global[t] : &shared[t], t + 1);
  __syncthreads();
  sums[t] = global[t] + shared[t];
}
static void generic_atomics() {
  int* d = device_array<int>(64);
  kgeneric<<<1, 32>>>(d, d + 32);
  const auto sums = to_host(d, 64);
  int bad = 0;
  for (int t = 0; t < 32; t++) bad += sums[32 + t] != t + 1;
  check("atomics in shared and global memory at once", !bad);
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
static void block_turns() {
  for (bool reversed : {false, true}) {
    int* d = to_device(std::vector<int>(65));
    kturns<<<5, 64>>>(d, d + 1, reversed);
    check("blocks that wait for each other", to_host(d, 65)[64] == 26);  // 2(2(2(2 0 + 1) + 2) + 3) + 4
  }
}

// Forward and back substitution with a thread a row, which waits for rows of its warp before and in_front it.
__device__ int wait_for(const int* x) {
  int v;
  while ((v = *(volatile const int*)x) < 0) {
  }
  return v;
}
__global__ void ksolve(int rows, int* y, int* x) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  const int mine = i > 0 ? (wait_for(&y[i - 1]) + i) % 1000 : 7;
  *(volatile int*)&y[i] = mine;
  const int other = wait_for(&y[(i * 7 + 3) % rows]);
  const int next = i + 1 < rows ? wait_for(&x[i + 1]) : 0;
  *(volatile int*)&x[i] = (mine + other + next) % 1000;
}
static void substitution() {
  constexpr int rows = 128;
  int* d = to_device(std::vector<int>(2 * rows, -1));
  ksolve<<<2, 64>>>(rows, d, d + rows);
  const auto x = to_host(d, 2 * rows);
  std::vector<int> y(rows, 7);
  for (int i = 1; i < rows; i++) y[i] = (y[i - 1] + i) % 1000;
  bool same = true;
  for (int i = rows - 1, next = 0; i >= 0; i--) {
    next = (y[i] + y[(i * 7 + 3) % rows] + next) % 1000;
    same &= x[rows + i] == next;
  }
  check("lanes that wait for each other", same);
}

__global__ void kaligned(unsigned* addresses) {
  __shared__ int before[3];
  extern __shared__ __align__(512) int dynamic[];
  before[threadIdx.x] = dynamic[threadIdx.x] = 1;
  unsigned address = (unsigned)__cvta_generic_to_shared(dynamic);
  asm volatile("" : "+r"(address));  // the compiler knows that it is aligned
  addresses[threadIdx.x] = address + before[threadIdx.x] - dynamic[threadIdx.x];
}
static void alignment() {
  auto d = to_device(std::vector<unsigned>(3));
  kaligned<<<1, 3, 512>>>(d);
  check("alignment of dynamic shared memory", to_host(d, 3)[2] % 512 == 0);
}

// The pointers of packed structures are initialised byte by byte.
struct __attribute__((packed)) Packed {
  char c;
  const int* p;
  short s;
};
__device__ int pointed[4] = {10, 11, 12, 13};
__device__ Packed packed[3] = {{1, pointed + 1, 5}, {2, pointed, -6}, {3, nullptr, 7}};
#pragma nv_diag_suppress 170  // it points in front of the array, so the offset is negative
__device__ Packed in_front = {4, pointed - 1, 8};
__global__ void kpacked(int* o) {
  for (int i = 0; i < 3; i++) {
    const Packed& x = packed[i];
    *o++ = x.c, *o++ = x.s, *o++ = x.p ? *x.p : 0;
  }
  *o++ = in_front.p[1];
}
static void packed_pointers() {
  int* d = device_array<int>(10);
  kpacked<<<1, 1>>>(d);
  const std::vector<int> want = {1, 5, 11, 2, -6, 10, 3, 7, 0, 10};
  check("pointers in packed structures", to_host(d, want.size()) == want);
}

// A chain of calls, none of which is inlined.
template <int I>
__host__ __device__ __noinline__ int link(int x) {
  if constexpr (I == 0)
    return x + 1;
  else
    return link<I - 1>(x * 3) ^ I;
}
__global__ void kchain(int* o) {
  o[threadIdx.x] = link<60>(threadIdx.x);
}
static void chain() {
  int* d = device_array<int>(32);
  kchain<<<1, 32>>>(d);
  const auto o = to_host(d, 32);
  int bad = 0;
  for (int i = 0; i < 32; i++) bad += o[i] != link<60>(i);
  check("a chain of calls", !bad);
}

__host__ __device__ void print_all() {
  printf("hello %d %.2f %s %llu\n", 1, 1.5, "str", 12345678901ull);
  printf("%*d|%-*d|%.*f|%*.*f|%.*f|%*d %hhd %hu %+d %#o %e %c %5s|%%\n", 6, 42, 4, 7, 2, 1.25, 8, 3, 2.5, -1,
         0.5, -5, 1, 300, 70000, 4, 8, 1e-10, 'q', "ab");
  printf("%600d|\n", 1);
}

__global__ void kprintf() {
  if (threadIdx.x == 1) print_all();
}
// What the device prints is what the host does.
static void printing() {
  fflush(stdout);
  char name[] = "/tmp/ptxi_XXXXXX";
  const int file = mkstemp(name), screen = dup(1);
  dup2(file, 1);
  kprintf<<<1, 32>>>();
  CK(cudaDeviceSynchronize());
  fflush(stdout);
  const off_t middle = lseek(file, 0, SEEK_CUR);
  print_all();
  fflush(stdout);
  dup2(screen, 1);
  std::string both(2 * middle, ' ');
  check("printf", middle > 0 && lseek(file, 0, SEEK_END) == 2 * middle &&
                      pread(file, both.data(), both.size(), 0) == 2 * middle &&
                      both.substr(0, middle) == both.substr(middle));
  close(file), close(screen), unlink(name);
}

int main() {
  calls_and_atomics();
  scan();
  spin_lock();
  generic_atomics();
  block_turns();
  substitution();
  alignment();
  packed_pointers();
  chain();
  printing();
  return finish();
}
