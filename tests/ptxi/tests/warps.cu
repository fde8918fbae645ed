// Operations of a warp, cooperative groups, grid synchronisation.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>

#include "test.h"
namespace cg = cooperative_groups;

constexpr int results = 14;
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
  int* p = o + t * results;
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
// What thread t of `threads` should have found.
static std::vector<int> warp_results(int t, int threads) {
  int l = t & 31, w = t & ~31, cr = 0, ts = 0, cnt = 0;
  unsigned b = 0, mm = 0;
  for (int k = 0; k < 32; k++) {
    if (((w + k) * 7) % 3 == 0) b |= 1u << k;
    if ((w + k) % 5 == t % 5) mm |= 1u << k;
    cr += w + k;
  }
  for (int k = 0; k < 8; k++) ts += (t & ~7) + k;
  for (int k = 0; k < threads; k++) cnt += k % 3 == 0;
  return {(int)b,
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
}
static void warp_operations() {
  const int threads = 128;
  int* d = device_array<int>(threads * results);
  kwarp<<<1, threads>>>(d);
  auto h = to_host(d, threads * results);
  int bad = 0;
  for (int t = 0; t < threads; t++) {
    const auto r = warp_results(t, threads);
    for (int k = 0; k < results; k++) bad += r[k] != h[t * results + k];
  }
  check("warp instructions", !bad);
}

__global__ void kgroups(int* o) {
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
static void groups() {
  int* o = device_array<int>(576);
  kgroups<<<1, 64>>>(o);
  auto O = to_host(o, 576);
  TRUE(O[0] == 496 && O[40] == 496 + 1024);
  TRUE((unsigned)O[64] == 0xaaaaaaaau);
  TRUE(O[128] == 32);
  TRUE(O[192] == 1100 && O[192 + 63] == 1110);
  TRUE(O[256] == 30);
  TRUE((unsigned)O[320] == ~0u && O[384] == 1);
  TRUE((unsigned)O[448] == ~0u && O[512] == 1 && O[512 + 31] == 31);
}

__global__ void kgrid(int* a, int* b) {
  int i = blockIdx.x * blockDim.x + threadIdx.x, n = gridDim.x * blockDim.x;
  a[i] = i * 3;
  cg::this_grid().sync();
  b[i] = a[n - 1 - i];
}
static void grid_synchronisation() {
  const int m = 16 * 64;
  int *a = device_array<int>(m), *b = device_array<int>(m);
  void* args[] = {&a, &b};
  CK(cudaLaunchCooperativeKernel((void*)kgrid, dim3(16), dim3(64), args, 0, 0));
  auto h = to_host(b, m);
  int bad = 0;
  for (int i = 0; i < m; i++) bad += h[i] != (m - 1 - i) * 3;
  check("cooperative grid sync", !bad);
}

int main() {
  warp_operations();
  groups();
  grid_synchronisation();
  return finish();
}
