// How a request to memory is counted.

#include <algorithm>

#include "block.h"
#include "launch.h"

namespace ptxi {

void Counters::add(const Counters& o) {
  for (int i = 0; i < C_COUNT; i++) {
    thread_inst[i] += o.thread_inst[i];
    warp_inst[i] += o.warp_inst[i];
  }
#define X(n) n += o.n;
  PTXI_COUNTERS(X)
#undef X
}

// One warp-level request to global memory: 32-byte sectors, and distinct bytes.
void Block::count_global(const Instruction& in, const u64* addr, u32 m, unsigned n, bool write) {
  Counters& here = counters_of(in);
  u64 a[32];
  int na = 0;
  bool sorted = true;
  FOR_LANES(l, m) {
    if (na && addr[l] < a[na - 1]) sorted = false;
    a[na++] = addr[l];
  }
  if (!sorted) std::sort(a, a + na);
  u64 sectors = 0, useful = 0, last = ~0ull, prev = ~0ull;
  for (int i = 0; i < na; i++) {
    if (a[i] == prev) continue;
    prev = a[i];
    useful += n;  // accesses are aligned and of equal size: equal or disjoint
    const u64 s = a[i] >> 5;
    if (s == last) continue;
    last = s;
    sectors++;
    // The first touch of this sector in this launch?
    if (Alloc* al = find(a[i], 1)) {
      __atomic_fetch_add(write ? &al->st_sectors : &al->ld_sectors, 1, __ATOMIC_RELAXED);
      u32* tags = write ? al->wtag : al->rtag;
      if (tags) {
        u32* t = tags + (s - (al->base >> 5));
        const u32 id = (u32)g_launch_id;
        if (__atomic_load_n(t, __ATOMIC_RELAXED) != id && __atomic_exchange_n(t, id, __ATOMIC_RELAXED) != id)
          (write ? here.unique_sectors_written : here.unique_sectors_read)++;
      }
    }
  }
  const u64 lane_bytes = (u64)na * n;
  if (write) {
    here.global_st_requests++;
    here.global_st_sectors += sectors;
    here.global_st_lane_bytes += lane_bytes;
    here.global_st_useful_bytes += useful;
  } else {
    here.global_ld_requests++;
    here.global_ld_sectors += sectors;
    here.global_ld_lane_bytes += lane_bytes;
    here.global_ld_useful_bytes += useful;
  }
}

// One warp-level request to shared memory. 32 banks of 4 bytes; a wavefront serves one 4-byte word
// per bank. Accesses of up to 4 bytes go for the whole warp at once, 8-byte ones per half warp and
// 16-byte ones per quarter warp. Ideal: one wavefront for every part with an active lane.
void Block::count_shared(const u64* addr, u32 m, unsigned n, u64* wavefronts, u64* ideal) {
  const int lanes = n <= 4 ? 32 : n == 8 ? 16 : 8;
  const int words = n <= 4 ? 1 : (int)n / 4;
  for (int first = 0; first < 32; first += lanes) {
    u32 part = lanes == 32 ? m : m >> first & ((1u << lanes) - 1);
    if (!part) continue;
    u64 seen[32][32];  // distinct words per bank
    u8 count[32] = {};
    int worst = 1;
    FOR_LANES(l, part) {
      for (int i = 0; i < words; i++) {
        const u64 word = (addr[first + l] >> 2) + (u64)i;
        const int bank = (int)(word & 31);
        bool dup = false;
        for (int j = 0; j < count[bank]; j++) dup |= seen[bank][j] == word;
        if (!dup) seen[bank][count[bank]++] = word;
        worst = std::max(worst, (int)count[bank]);
      }
    }
    *wavefronts += (u64)worst;
    ++*ideal;
  }
}

}  // namespace ptxi
