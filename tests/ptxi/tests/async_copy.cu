// cp.async: of every size, the bytes that are read and the zeros behind them; groups, which arrive in their
// order. Numbers name their place.
#include <string>

#include "test.h"

constexpr int sizes = 17;
typedef unsigned char Byte;

template <int N>
__device__ void copy(void* to, const void* from, int read) {
  const unsigned address = (unsigned)__cvta_generic_to_shared(to);
  asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(address), "l"(from), "n"(N), "r"(read)
               : "memory");
}
__device__ void commit() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
template <int N>
__device__ void wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
}

// Thread t reads t of N bytes, into 16 of which the others stay.
template <int N>
__global__ void copy_sizes(const Byte* x, Byte* o) {
  __shared__ __align__(16) Byte s[sizes][16];
  const int t = threadIdx.x;
  for (int i = 0; i < 16; i++) s[t][i] = 0xA5;
  __syncwarp();
  if (t <= N) copy<N>(s[t], x + 16 * t, t);
  asm volatile("cp.async.wait_all;" ::: "memory");
  for (int i = 0; i < 16; i++) o[16 * t + i] = s[t][i];
}
template <int N>
static void test_sizes(const Byte* x, Byte* o) {
  copy_sizes<N><<<1, sizes>>>(x, o);
  const auto h = to_host(o, 16 * sizes);
  int bad = 0;
  for (int t = 0; t < sizes; t++)
    for (int i = 0; i < 16; i++)
      bad += h[16 * t + i] != (t > N || i >= N ? 0xA5 : i < t ? (Byte)(16 * t + i) : 0);
  check(("cp.async of " + std::to_string(N) + " bytes").c_str(), !bad);
}

// Groups 0, 1 (empty), 2 (two copies), 3, and a copy after the last of them. What each wait is for, as it is
// then.
__global__ void copy_groups(const int* x, int* o) {
  __shared__ int s[5][32];
  const int t = threadIdx.x;
  for (int i = 0; i < 5; i++) s[i][t] = -1;
  __syncwarp();
  const auto start = [&](int i) { copy<4>(&s[i][t], x + 32 * i + t, 4); };
  start(0);
  commit();
  commit();
  start(1);
  start(2);
  commit();
  start(3);
  commit();
  start(4);
  wait<3>();
  o[t] = s[0][t];
  wait<1>();
  o[32 + t] = s[1][t];
  o[64 + t] = s[2][t];
  wait<0>();
  o[96 + t] = s[3][t];
  asm volatile("cp.async.wait_all;" ::: "memory");
  o[128 + t] = s[4][t];
}

int main() {
  std::vector<Byte> bytes(16 * sizes);
  for (size_t i = 0; i < bytes.size(); i++) bytes[i] = (Byte)i;
  Byte *x = to_device(bytes), *o = to_device(bytes);
  test_sizes<4>(x, o);
  test_sizes<8>(x, o);
  test_sizes<16>(x, o);

  std::vector<int> numbers(5 * 32), nothing(5 * 32, -2);
  for (size_t i = 0; i < numbers.size(); i++) numbers[i] = (int)i;
  int* arrived = to_device(nothing);
  copy_groups<<<1, 32>>>(to_device(numbers), arrived);
  check("groups of cp.async arrive in their order", to_host(arrived, numbers.size()) == numbers);
  return finish();
}
