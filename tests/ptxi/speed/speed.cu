// How fast ptxi runs kernels, with the switches that this is started with: a line for each row of the table
// that table.sh makes of it, "row<TAB>figure". In CPU seconds, so that other work of the machine disturbs
// less.
#include <algorithm>
#include <ctime>

#include "../tests/products.h"
#include "../tests/test.h"

// Eight independent sums a thread; each tends to 2.
__global__ void fmas(float* o, int turns) {
  float x[8] = {};
  for (int t = 0; t < turns; t++)
    for (int i = 0; i < 8; i++) x[i] = fmaf(x[i], 0.5f, 1.0f);
  float sum = 0;
  for (int i = 0; i < 8; i++) sum += x[i];
  o[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

// Four independent tiles a warp, all ones.
__global__ void mmas(float* o, int turns) {
  const unsigned ones = 0x3f803f80, a[4] = {ones, ones, ones, ones};
  float c[4][4] = {};
  for (int t = 0; t < turns; t++)
    for (int i = 0; i < 4; i++) mma(c[i], a, ones, ones);
  for (int i = 0; i < 4; i++) o[(blockIdx.x * blockDim.x + threadIdx.x) * 4 + i] = c[i][i];
}

// c = a b, all n x n, n a multiple of 64; a thread computes 4 x 4 elements.
__global__ void sgemm_4x4(const float* a, const float* b, float* c, int n) {
  __shared__ float sa[16][64], sb[16][64];  // [k][row], [k][column]
  const int x = threadIdx.x, y = threadIdx.y, t = y * 16 + x, i0 = blockIdx.y * 64, j0 = blockIdx.x * 64;
  float s[4][4] = {};
  for (int k = 0; k < n; k += 16) {
    for (int e = t; e < 16 * 64; e += 256) {
      sa[e % 16][e / 16] = a[(i0 + e / 16) * n + k + e % 16];
      sb[e / 64][e % 64] = b[(k + e / 64) * n + j0 + e % 64];
    }
    __syncthreads();
    for (int q = 0; q < 16; q++)
      for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) s[i][j] = fmaf(sa[q][y * 4 + i], sb[q][x * 4 + j], s[i][j]);
    __syncthreads();
  }
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 4; j++) c[(i0 + y * 4 + i) * n + j0 + x * 4 + j] = s[i][j];
}

__global__ void copy(const float* x, float* y) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  y[i] = x[i];
}

__global__ void nothing() {}

// CPU seconds of a launch; the first one, which decodes the kernel, is not timed.
template <class Launch>
static double seconds(Launch launch, int launches = 1) {
  const auto run = [&](int times) {
    for (int i = 0; i < times; i++) launch();
    CK(cudaDeviceSynchronize());
    timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
  };
  const double begin = run(1);
  return (run(launches) - begin) / launches;
}

static bool all(const float* d, size_t n, float value) {
  const auto v = to_host(d, n);
  return std::all_of(v.begin(), v.end(), [&](float x) { return x == value; });
}
static void row(const char* name, double figure) {
  printf("%s\t%g\n", name, figure);
}

int main() {
  const int n = 256, small = 128, turns = 1 << 15, tensor_turns = 1 << 12;
  const std::vector<float> ones(n * n, 1.0f);
  float *a = to_device(ones), *c = to_device(ones);
  row("f32 FMAs in registers, thousand million a second",
      1e-9 * 512 * turns * 8 / seconds([&] { fmas<<<2, 256>>>(c, turns); }));
  check("fmas", all(c, 512, 16));
  row("`mma.m16n8k16` in registers, million a second",
      1e-6 * 8 * tensor_turns * 4 / seconds([&] { mmas<<<2, 128>>>(c, tensor_turns); }));
  check("mmas", all(c, 256 * 4, 16 * tensor_turns));

  const int N = 2, H = 16, W = 16, C = 128, K = 128, shared = ST * 2 * 64 * 64 * 2;
  bf16 *x = to_device(std::vector<bf16>(N * H * W * C, __float2bfloat16(1))),
       *w = to_device(std::vector<bf16>(K * 9 * C, __float2bfloat16(1))),
       *y = to_device(std::vector<bf16>(N * H * W * K));
  float* bias = to_device(std::vector<float>(K));
  CK(cudaFuncSetAttribute(conv3x3, cudaFuncAttributeMaxDynamicSharedMemorySize, shared));
  row("the convolution of the tests, on tensor cores, Gflop/s",
      2e-9 * N * H * W * K * 9 * C / seconds([&] {
        conv3x3<<<dim3(N * H * W / 64, K / 64), 128, shared>>>(x, w, bias, y, N, H, W, C, K);
      }));
  check("conv3x3", __bfloat162float(to_host(y, 1)[0]) == 4 * C);  // a corner has four taps inside

  row("an f32 matrix product, 4x4 results a thread, Gflop/s",
      2e-9 * n * n * n / seconds([&] { sgemm_4x4<<<dim3(n / 64, n / 64), dim3(16, 16)>>>(a, a, c, n); }));
  check("sgemm_4x4", all(c, n * n, n));
  row("the same, one result a thread, Gflop/s",
      2e-9 * small * small * small /
          seconds([&] { sgemm<<<dim3(small / 16, small / 16), dim3(16, 16)>>>(a, a, c, small); }));
  check("sgemm", all(c, small * small, small));
  row("a copy, 4 bytes a thread, GB/s", 1e-9 * 8 * n * n / seconds([&] { copy<<<n, n>>>(a, c); }, 8));
  check("copy", all(c, n * n, 1));
  row("a small launch, microseconds", 1e6 * seconds([&] { nothing<<<1, 32>>>(); }, 2000));
  return g_failed != 0;
}
