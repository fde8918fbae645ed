// Helpers of the test programs.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cuda_runtime.h>
#include <string>
#include <vector>

static int g_failed = 0, g_passed = 0;
static void check(const char* name, bool ok) {
  if (!ok) printf("FAIL %s\n", name);
  (ok ? g_passed : g_failed)++;
}
#define CK(x)                                                                         \
  do {                                                                                \
    cudaError_t e_ = (x);                                                             \
    if (e_) {                                                                         \
      printf("FAIL %s:%d: %s -> %s\n", __FILE__, __LINE__, #x, cudaGetErrorName(e_)); \
      g_failed++;                                                                     \
    }                                                                                 \
  } while (0)
#define EXPECT(x, want)                                                                                   \
  do {                                                                                                    \
    cudaError_t e_ = (x);                                                                                 \
    if (e_ != (want)) {                                                                                   \
      printf("FAIL %s:%d: %s -> %s, expected %s\n", __FILE__, __LINE__, #x, cudaGetErrorName(e_), #want); \
      g_failed++;                                                                                         \
    } else {                                                                                              \
      g_passed++;                                                                                         \
    }                                                                                                     \
  } while (0)
#define TRUE(x) check(#x, (x))
// What a program does whose first argument names one of its cases: `if (is("NAME")) ...`.
static const char* g_name = "";
static bool g_known = false;  // there is such a case
static bool is(const std::string& name) {
  g_known |= name == g_name;
  return name == g_name;
}
// Of such a program.
static int exit_status() {
  if (*g_name && !g_known) printf("there is no case %s\n", g_name);
  return *g_name && !g_known ? 125 : g_failed != 0;
}
static int finish() {
  printf("%d passed, %d failed\n", g_passed, g_failed);
  return exit_status();
}
static void print(const char* what, cudaError_t e) {
  printf("%s: %s\n", what, cudaGetErrorName(e));
}
template <class T>
static T* device_array(size_t n) {
  T* d;
  CK(cudaMalloc(&d, n * sizeof(T)));
  return d;
}
template <class T>
static T* to_device(const std::vector<T>& v) {
  T* d = device_array<T>(v.size());
  CK(cudaMemcpy(d, v.data(), v.size() * sizeof(T), cudaMemcpyHostToDevice));
  return d;
}
template <class T>
static std::vector<T> to_host(const T* d, size_t n) {
  std::vector<T> v(n);
  CK(cudaMemcpy(v.data(), d, n * sizeof(T), cudaMemcpyDeviceToHost));
  return v;
}
// The larger of two errors; NaN is larger than any number.
static inline double worst(double e, double error) {
  return error <= e || isnan(e) ? e : error;
}
static inline uint32_t lcg(uint32_t& s) {
  return s = s * 1664525u + 1013904223u;
}
static inline float uniform(uint32_t& s) {
  return (float)(lcg(s) >> 8) / 8388608.0f - 1.0f;
}
static inline std::vector<float> uniforms(size_t n, uint32_t seed, float scale = 1) {
  std::vector<float> v(n);
  for (float& x : v) x = uniform(seed) * scale;
  return v;
}
