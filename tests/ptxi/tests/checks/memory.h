// Accesses outside memory, of unwritten memory and misaligned ones, by kernels and the host.
#pragma once
#include "../include/cuda_recursion.h"
#include "../test.h"

__global__ void oob_write(float* x, int n) {
  x[threadIdx.x + n] = 1;
}
__global__ void oob_read(const float* x, float* y) {
  y[threadIdx.x] = x[(int)threadIdx.x - 1];
}
__global__ void oob_recursion(const float* x, float* y) {
  y[0] = sum_up<64>(x);
}
__global__ void fill(float* x) {
  x[threadIdx.x] = 1;
}
__device__ void copy(const float* x, float* y) {
  y[threadIdx.x] = x[threadIdx.x];
}
__global__ void uninit_global(const float* x, float* y) {
  copy(x, y);
}
__global__ void uninit_shared(float* o) {
  __shared__ float s[64];
  if (threadIdx.x < 63) s[threadIdx.x] = 1;
  __syncthreads();
  o[threadIdx.x] = s[threadIdx.x];
}
__global__ void misaligned(float* o) {
  *(float2*)(o + 1) = make_float2(1, 2);
}
// Behind the array comes padding, for there are extern arrays in this module.
__global__ void shared_padding(float* o) {
  __shared__ float s[25];
  s[threadIdx.x] = 1;
  o[threadIdx.x] = s[threadIdx.x / 2];
}
__global__ void shared_oob(float* o, int n) {
  __shared__ float s[64];
  s[threadIdx.x + n] = 1;
  __syncthreads();
  o[threadIdx.x] = s[threadIdx.x];
}
__global__ void shared_oob_read(float* o, int n) {
  __shared__ float s[64];
  s[threadIdx.x] = 1;
  __syncthreads();
  o[threadIdx.x] = s[threadIdx.x + n];
}
__global__ void shared_misaligned(float* o, int n) {
  __shared__ float s[2];
  s[0] = s[1] = 1;
  o[0] = *(float*)((char*)s + n);
}
__global__ void local_oob(int* o, int n) {
  int a[8];
  for (int i = 0; i < 8; i++) a[i] = i;
  o[0] = a[n];
}
__global__ void local_misaligned(int* o, int n) {
  int a[8];
  for (int i = 0; i < 8; i++) a[i] = i;
  o[0] = *(int*)((char*)a + n);
}
struct Eight {
  int x[8];
};
// Parameters: 32 bytes of p, 8 of o, 4 of n.
__global__ void parameter_oob(const __grid_constant__ Eight p, int* o, int n) {
  o[0] = p.x[n];
}
__global__ void parameter_write(const __grid_constant__ Eight p) {
  asm volatile("st.u32 [%0], 1;" ::"l"(&p) : "memory");
}
__global__ void global_as_shared(float* o) {
  o[0] = __cvta_generic_to_shared(o);
}
__device__ int variable[4];

static void memory(float* f, float* g, int* i) {
  if (is("oob_write")) oob_write<<<1, 64>>>(f, 8);
  if (is("oob_read")) oob_read<<<1, 64>>>(f, g);
  if (is("oob_recursion")) oob_recursion<<<1, 1>>>(f, g);
  if (is("use_after_free")) {
    cudaFree(g);
    fill<<<1, 64>>>(g);
  }
  if (is("host_pointer")) {
    float* h = (float*)malloc(256);
    fill<<<1, 64>>>(h);
  }
  if (is("null_pointer")) fill<<<1, 64>>>(nullptr);
  if (is("uninit_global")) uninit_global<<<1, 64>>>(g, f);
  if (is("uninit_shared")) uninit_shared<<<1, 64>>>(f);
  if (is("misaligned")) misaligned<<<1, 1>>>(f);
  if (is("shared_oob")) shared_oob<<<1, 64>>>(f, 8);
  if (is("shared_padding")) shared_padding<<<1, 26>>>(f);
  if (is("shared_oob_read")) shared_oob_read<<<1, 64>>>(f, 8);
  if (is("shared_misaligned")) shared_misaligned<<<1, 1>>>(f, 2);
  if (is("local_oob")) local_oob<<<1, 1>>>(i, 9);
  if (is("local_misaligned")) local_misaligned<<<1, 1>>>(i, 6);
  if (is("parameter_oob")) parameter_oob<<<1, 1>>>({}, i, 11);
  if (is("parameter_write")) parameter_write<<<1, 1>>>({});
  if (is("global_as_shared")) global_as_shared<<<1, 1>>>(f);
}

static void host_memory(float* f, float* g) {
  if (is("host_access")) printf("%f\n", f[0]);
  if (is("memcpy_overrun")) {
    float h[80];
    print("memcpy", cudaMemcpy(h, f, 320, cudaMemcpyDeviceToHost));
  }
  int v[4] = {};
  if (is("to_symbol_overrun")) print("memcpy", cudaMemcpyToSymbol(variable, v, 16, 4));
  if (is("from_symbol_overrun")) print("memcpy", cudaMemcpyFromSymbol(v, variable, 4, 20));
  if (is("ok_symbol")) print("memcpy", cudaMemcpyFromSymbol(v, variable, 12, 4));
  if (is("memcpy_kind")) {
    float h[8];
    print("memcpy", cudaMemcpy(h, f, 32, cudaMemcpyHostToDevice));
  }
  if (is("double_free")) {
    cudaFree(g);
    print("free", cudaFree(g));
  }
}
