// Tiny kernels whose counters are known; run.sh compares the JSON with expected_counters.txt, which calls a
// line by the name after its @.
#include <cuda_bf16.h>
#include <cuda_profiler_api.h>

#include "test.h"

__global__ void copy_coalesced(const float* x, float* y) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  y[i] = x[i];
}
__global__ void copy_stride2(const float* x, float* y) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  y[2 * i] = x[2 * i];
}
__global__ void copy_float4(const float4* x, float4* y) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  y[i] = x[i];
}
__global__ void copy_bytes(const char* x, char* y) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  y[i] = x[i];
}
__global__ void broadcast(const float* x, float* y) {
  y[threadIdx.x] = x[0];
}
__global__ void misaligned_copy(const float* x, float* y) {
  y[threadIdx.x] = x[threadIdx.x + 1];
}
__global__ void bank_conflict32(float* y) {
  __shared__ float s[32 * 32];
  s[threadIdx.x * 32] = 1;
  __syncwarp();
  y[threadIdx.x] = s[threadIdx.x * 32];
}
__global__ void bank_conflict2(float* y) {
  __shared__ float s[64];
  s[threadIdx.x * 2] = 1;
  __syncwarp();
  y[threadIdx.x] = s[threadIdx.x * 2];
}
__global__ void shared_broadcast(float* y) {
  __shared__ float s[32];
  s[threadIdx.x] = 1;
  __syncwarp();
  y[threadIdx.x] = s[0];
}
__global__ void shared_float2(float2* y) {
  __shared__ float2 s[32];
  s[threadIdx.x] = make_float2(1, 2);
  __syncwarp();
  y[threadIdx.x] = s[threadIdx.x];
}
__global__ void shared_float4(float4* y) {
  __shared__ float4 s[32];
  s[threadIdx.x] = make_float4(1, 2, 3, 4);
  __syncwarp();
  y[threadIdx.x] = s[threadIdx.x];
}
template <int pad>
__global__ void transpose(const float* x, float* y) {
  __shared__ float s[32][32 + pad];
  s[threadIdx.y][threadIdx.x] = x[threadIdx.y * 32 + threadIdx.x];
  __syncthreads();
  y[threadIdx.y * 32 + threadIdx.x] = s[threadIdx.x][threadIdx.y];
}
// 8 rows of 128 bytes each; 16-byte chunks in place or XOR-swizzled; cp.async fill, ldmatrix.x4.
template <bool swizzle>
__global__ void matrices(const __nv_bfloat16* x, unsigned* y) {
  __shared__ __align__(128) __nv_bfloat16 s[8 * 64];
  int l = threadIdx.x;
  for (int i = 0; i < 2; i++) {
    int r = l >> 3 | i << 2, c = l & 7;
    unsigned d = (unsigned)__cvta_generic_to_shared(s) + r * 128 + (swizzle ? c ^ r : c) * 16;
    asm volatile("cp.async.cg.shared.global [%0],[%1],16;" ::"r"(d), "l"(x + r * 64 + c * 8));
  }
  asm volatile("cp.async.wait_all;");
  __syncwarp();
  int r = l & 7, c = l >> 3;
  unsigned v[4], a = (unsigned)__cvta_generic_to_shared(s) + r * 128 + (swizzle ? c ^ r : c) * 16;
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3},[%4];"
               : "=r"(v[0]), "=r"(v[1]), "=r"(v[2]), "=r"(v[3])
               : "r"(a));
  y[l] = v[0] + v[1] + v[2] + v[3];
}
__global__ void mma_count(float* y, int n) {
  float c[4] = {};
  for (int i = 0; i < n; i++)
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
        "{%0,%1,%2,%3},{%4,%4,%4,%4},{%4,%4},{%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(0x3f803f80));  // @mma
  y[threadIdx.x] = c[0];
}
__global__ void divergence(int* y) {
  int v = y[threadIdx.x];
  if (threadIdx.x & 1)  // @if
    for (int i = 0; i < v; i++) y[threadIdx.x + 64] = i;
  y[threadIdx.x] = v;
}
__global__ void misc(int* y) {
  int v = threadIdx.x;
  v += __shfl_xor_sync(~0u, v, 1);
  v += __shfl_xor_sync(~0u, v, 2);
  __syncthreads();
  atomicAdd(&y[0], v);  // @atomic
  __syncthreads();
}
__global__ void local_array(int* y, int n) {
  int a[8];
  for (int i = 0; i < 8; i++) a[i] = i * n;
  y[threadIdx.x] = a[(threadIdx.x + n) & 7];
}
extern __shared__ float dyn[];
__global__ void fmas(float* y, float a) {
  float v = dyn[threadIdx.x] = 1;
#pragma unroll
  for (int i = 0; i < 10; i++) v = v * a + 3.f;
  y[threadIdx.x] = v;
}

__device__ float twice(const float* x, int i) {
  return 2 * x[i];  // @load
}
__global__ void lines(const float* x, float* y) {
  __shared__ float s[128];
  const int t = threadIdx.x;
  float v = twice(x, t);   // @neighbours
  v += twice(x, 2 * t);    // @every_other
  s[2 * t] = v;            // @conflict
  __syncthreads();         // @barrier
  y[t] = s[2 * (t ^ 32)];  // @store
}
// The toolkit makes a shuffle of 64 bits by two of 32, one function in another.
__global__ void wide_shuffle(double* y) {
  y[threadIdx.x] = __shfl_xor_sync(~0u, y[threadIdx.x], 1);
}

int main() {
  char* p;
  CK(cudaMalloc(&p, 1 << 16));
  CK(cudaMemset(p, 0, 1 << 16));
  char* q = p + (1 << 15);
  copy_coalesced<<<2, 64>>>((float*)p, (float*)q);
  copy_stride2<<<2, 64>>>((float*)p, (float*)q);
  copy_float4<<<2, 64>>>((float4*)p, (float4*)q);
  copy_bytes<<<2, 64>>>(p, q);
  broadcast<<<1, 32>>>((float*)p, (float*)q);
  misaligned_copy<<<1, 32>>>((float*)p, (float*)q);
  bank_conflict32<<<1, 32>>>((float*)q);
  bank_conflict2<<<1, 32>>>((float*)q);
  shared_broadcast<<<1, 32>>>((float*)q);
  shared_float2<<<1, 32>>>((float2*)q);
  shared_float4<<<1, 32>>>((float4*)q);
  transpose<0><<<1, dim3(32, 32)>>>((float*)p, (float*)q);
  transpose<1><<<1, dim3(32, 32)>>>((float*)p, (float*)q);
  matrices<false><<<1, 32>>>((__nv_bfloat16*)p, (unsigned*)q);
  matrices<true><<<1, 32>>>((__nv_bfloat16*)p, (unsigned*)q);
  mma_count<<<3, 64>>>((float*)q, 5);
  std::vector<int> three(64, 3);
  CK(cudaMemcpy(q, three.data(), 256, cudaMemcpyHostToDevice));
  divergence<<<1, 64>>>((int*)q);
  misc<<<2, 64>>>((int*)q);
  local_array<<<1, 32>>>((int*)q, 3);
  fmas<<<1, 32, 256>>>((float*)q, 1.5f);
  fmas<<<1, 32, 512>>>((float*)q, 1.5f);
  CK(cudaProfilerStart());
  lines<<<2, 64>>>((float*)p, (float*)q);
  CK(cudaProfilerStop());
  CK(cudaProfilerStart());
  lines<<<1, 64>>>((float*)p, (float*)q);
  CK(cudaProfilerStop());
  broadcast<<<1, 32>>>((float*)p, (float*)q);
  wide_shuffle<<<1, 32>>>((double*)q);
  CK(cudaDeviceSynchronize());
  return finish();
}
