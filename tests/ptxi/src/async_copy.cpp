// cp.async. By default the data arrive as late as the program allows (when a wait covers their
// group); with PTXI_CPASYNC=early they arrive at once. A correct program gives the same result
// either way. The destination counts as written from issue to completion, and the source as read.

#include <algorithm>
#include <cstring>

#include "handlers.h"
#include "lane_addresses.h"
#include "report.h"

namespace ptxi {

static void copy_now(Block& b, Warp& w, int l, const Instruction& in, const AsyncCopy& c) {
  u64 o = c.dst - kSharedStart;
  u8* d = b.shared.data() + o;
  if (c.src_bytes > 0) {
    Alloc* a = b.find(c.src, (u64)c.src_bytes);
    if (!a)
      b.err(in, E_ILLEGAL_ADDRESS, "cp.async global read out of bounds at " + mem_describe(c.src), &w, l);
    memcpy(d, a->store + (c.src - a->base), (size_t)c.src_bytes);
  }
  memset(d + c.src_bytes, 0, (size_t)(c.bytes - c.src_bytes));
}

void Block::flush_copies(Warp& w, int l, const Instruction& in, std::vector<AsyncCopy>& q) {
  for (auto& c : q) {
    if (!options().cp_early) copy_now(*this, w, l, in, c);
    if (options().race_check && c.src_bytes > 0) source_was_read(w, l, c);
    if (options().shared_check) {
      shadow_inflight(w, l, in, c.dst - kSharedStart, (unsigned)c.bytes, false);
      shadow_access(w, l, in, c.dst - kSharedStart, (unsigned)c.bytes, true, false);
    }
  }
  q.clear();
}

void h_cp_async(Warp& w, const Instruction& in, u32 m) {
  Block& b = *w.block;
  w.copies = true;
  if (in.mode == 0) {
    u64 dst[32], src[32];
    lane_addresses(w, in.base, in.off, SP_SHARED, dst);
    lane_addresses(w, in.base2, in.off2, SP_GLOBAL, src);
    const unsigned n = (unsigned)in.n;
    u32 reading = 0;
    FOR_LANES(l, m) {
      if (dst[l] >> 56 == 1) dst[l] -= kSharedWindow;
      i64 bytes = in.ns ? std::min<i64>((u32)w.get(in.s[0], l), in.n) : in.n;
      AsyncCopy c{dst[l], src[l], in.n, (int)bytes};
      if (c.dst % n || c.src % n)
        b.err(in, E_MISALIGNED,
              "cp.async with a misaligned " + std::string(c.dst % n ? "shared" : "global") + " address", &w,
              l);
      if (c.dst < kSharedStart || c.dst + n > kSharedStart + b.shared_total)
        b.err(in, E_ILLEGAL_ADDRESS,
              "cp.async shared write out of bounds: offset " + std::to_string((i64)(c.dst - kSharedStart)) +
                  " of " + std::to_string(b.shared_total),
              &w, l);
      if (bytes > 0) {
        Alloc* a = b.find(c.src, (u64)bytes);
        if (!a)
          b.err(in, E_ILLEGAL_ADDRESS, "cp.async global read out of bounds at " + mem_describe(c.src), &w, l);
        if (options().init_check || options().race_check)
          b.global_checks(w, l, in, a, c.src, (unsigned)bytes, false);
        reading |= 1u << l;
      }
      if (options().shared_check) b.shadow_inflight(w, l, in, c.dst - kSharedStart, n, true);
      if (options().cp_early) copy_now(b, w, l, in, c);
      w.open[l].push_back(c);
    }
    if (b.counting) {
      Counters& c = b.counters_of(in);
      c.cp_async_requests++;
      c.cp_async_bytes += (u64)__builtin_popcount(m) * n;
      b.count_shared(dst, m, n, &c.cp_async_wavefronts, &c.cp_async_ideal);
      if (reading) b.count_global(in, src, reading, n, false);
    }
    return;
  }
  FOR_LANES(l, m) {
    if (in.mode != 2) {  // commit_group, and the implicit one of wait_all
      w.groups[l].push_back(std::move(w.open[l]));
      w.open[l].clear();
    }
    if (in.mode == 1) continue;
    size_t keep = in.mode == 2 ? (size_t)w.get(in.s[0], l) : 0, n = w.groups[l].size();
    if (n <= keep) continue;
    for (size_t i = 0; i < n - keep; i++) b.flush_copies(w, l, in, w.groups[l][i]);
    w.groups[l].erase(w.groups[l].begin(), w.groups[l].begin() + (long)(n - keep));
  }
}

}  // namespace ptxi
