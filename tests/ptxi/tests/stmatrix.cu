// stmatrix of one, two and four 8x8 matrices, plain and transposed (compute_90). Lane l stores elements
// 2 (l % 4) and the next of row l / 4 of each matrix; lane 8 q + r has the address of row r of matrix q.
#include "test.h"

// Matrices are stored to rows in the reverse order; what lies around them stays as it was.
constexpr int most = 4, rows = 8 * most;

template <int Count, bool Transposed>
__global__ void kstmatrix(unsigned short* o) {
  __shared__ __align__(16) unsigned short m[rows][8];
  int l = threadIdx.x;
  for (int i = l; i < 8 * rows; i += 32) (&m[0][0])[i] = 0xffff;
  __syncthreads();
  // Addresses of further lanes are not looked at.
  unsigned addr = l < 8 * Count ? (unsigned)__cvta_generic_to_shared(&m[rows - 1 - l]) : 1, v[4];
  for (int q = 0; q < 4; q++) v[q] = (64 * q + 2 * l) | (64 * q + 2 * l + 1) << 16;
#define STMATRIX(count, form, list, ...) \
  asm volatile("stmatrix.sync.aligned.m8n8." count form ".shared.b16 [%0]," list ";" ::"r"(addr), __VA_ARGS__)
#define FORMS(count, list, ...)                   \
  if constexpr (Transposed)                       \
    STMATRIX(count, ".trans", list, __VA_ARGS__); \
  else                                            \
    STMATRIX(count, "", list, __VA_ARGS__)
  if constexpr (Count == 1) {
    FORMS("x1", "{%1}", "r"(v[0]));
  } else if constexpr (Count == 2) {
    FORMS("x2", "{%1,%2}", "r"(v[0]), "r"(v[1]));
  } else {
    FORMS("x4", "{%1,%2,%3,%4}", "r"(v[0]), "r"(v[1]), "r"(v[2]), "r"(v[3]));
  }
  __syncthreads();
  for (int i = l; i < 8 * rows; i += 32) o[i] = (&m[0][0])[i];
}

template <int Count, bool Transposed>
static void stores(const char* name) {
  unsigned short* d = device_array<unsigned short>(8 * rows);
  kstmatrix<Count, Transposed><<<1, 32>>>(d);
  auto h = to_host(d, 8 * rows);
  int bad = 0;
  for (int q = 0; q < most; q++)
    for (int r = 0; r < 8; r++)
      for (int c = 0; c < 8; c++) {
        const int element = 64 * q + (Transposed ? 8 * c + r : 8 * r + c);
        bad += h[8 * (rows - 1 - (8 * q + r)) + c] != (q < Count ? element : 0xffff);
      }
  check(name, !bad);
}

int main() {
  stores<1, false>("stmatrix of one");
  stores<2, false>("stmatrix of two");
  stores<4, false>("stmatrix of four");
  stores<1, true>("stmatrix of one, transposed");
  stores<2, true>("stmatrix of two, transposed");
  stores<4, true>("stmatrix of four, transposed");
  return finish();
}
