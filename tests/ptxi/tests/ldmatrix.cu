// ldmatrix of one, two and four 8x8 matrices, plain and transposed; movmatrix. Elements are numbered row by
// row, matrix after matrix; lane l gets elements 2 (l % 4) and the next of row l / 4 of each.
#include "test.h"

// A lane's element j of the matrix, in which it is that number.
static int element(int matrix, int lane, int j, bool transposed) {
  const int row = lane / 4, column = 2 * (lane % 4) + j;
  return matrix * 64 + (transposed ? column * 8 + row : row * 8 + column);
}

// Four matrices, plain and transposed; the second, transposed by movmatrix.
__global__ void kldmatrix(unsigned short* o) {
  __shared__ __align__(16) unsigned short m[4][8][8];
  int l = threadIdx.x;
  for (int i = l; i < 256; i += 32) (&m[0][0][0])[i] = i;
  __syncthreads();
  unsigned addr = (unsigned)__cvta_generic_to_shared(&m[l / 8][l % 8][0]), r[4], t[4], v;
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3},[%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(addr));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3},[%4];"
               : "=r"(t[0]), "=r"(t[1]), "=r"(t[2]), "=r"(t[3])
               : "r"(addr));
  asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0,%1;" : "=r"(v) : "r"(r[1]));
  for (int q = 0; q < 4; q++)
    for (int j = 0; j < 2; j++) {
      o[(q * 32 + l) * 2 + j] = r[q] >> (16 * j);
      o[256 + (q * 32 + l) * 2 + j] = t[q] >> (16 * j);
    }
  for (int j = 0; j < 2; j++) o[512 + l * 2 + j] = v >> (16 * j);
}
static void four_matrices() {
  unsigned short* d = device_array<unsigned short>(576);
  kldmatrix<<<1, 32>>>(d);
  auto h = to_host(d, 576);
  int bad = 0;
  for (int l = 0; l < 32; l++)
    for (int j = 0; j < 2; j++) {
      for (int q = 0; q < 4; q++) {
        bad += h[(q * 32 + l) * 2 + j] != element(q, l, j, false);
        bad += h[256 + (q * 32 + l) * 2 + j] != element(q, l, j, true);
      }
      bad += h[512 + l * 2 + j] != element(1, l, j, true);
    }
  check("ldmatrix, movmatrix", !bad);
}

// One and two matrices, plain and transposed. Addresses of further lanes are not looked at.
__global__ void kldmatrix_few(unsigned short* o) {
  __shared__ __align__(16) unsigned short m[2][8][8];
  int l = threadIdx.x;
  for (int i = l; i < 128; i += 32) (&m[0][0][0])[i] = i;
  __syncthreads();
  unsigned addr = l < 16 ? (unsigned)__cvta_generic_to_shared(&m[l / 8][l % 8][0]) : 1, r[6];
  asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0},[%1];" : "=r"(r[0]) : "r"(addr));
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1},[%2];" : "=r"(r[1]), "=r"(r[2]) : "r"(addr));
  asm volatile("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%0},[%1];" : "=r"(r[3]) : "r"(addr));
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1},[%2];"
               : "=r"(r[4]), "=r"(r[5])
               : "r"(addr));
  for (int q = 0; q < 6; q++)
    for (int j = 0; j < 2; j++) o[(q * 32 + l) * 2 + j] = r[q] >> (16 * j);
}
static void few_matrices() {
  unsigned short* d = device_array<unsigned short>(6 * 64);
  kldmatrix_few<<<1, 32>>>(d);
  auto h = to_host(d, 6 * 64);
  int bad = 0;
  for (int q = 0; q < 6; q++)
    for (int l = 0; l < 32; l++)
      for (int j = 0; j < 2; j++) bad += h[(q * 32 + l) * 2 + j] != element(q % 3 == 2, l, j, q >= 3);
  check("ldmatrix of one and two", !bad);
}

int main() {
  four_matrices();
  few_matrices();
  return finish();
}
