// Loads, stores, asynchronous copies and matrix loads/stores.
#include <algorithm>
#include <cstring>

#include "exec.h"
#include "numeric.h"

namespace ptxi {

namespace {

// The addresses of all 32 lanes (those of inactive lanes are meaningless).
inline void lane_addresses(Warp& w, Ref base, i64 off, Space sp, u64* addr) {
  if (base.cls() == RC_64) {
    const u64* r = w.r64(base);
    for (int l = 0; l < 32; l++) addr[l] = r[l] + (u64)off;
  } else {
    const u32* r = w.r32(base);
    for (int l = 0; l < 32; l++) addr[l] = (u32)(r[l] + (u32)off);
  }
  if (sp == SP_SHARED || sp == SP_LOCAL)
    for (int l = 0; l < 32; l++) addr[l] = addr[l] >> 56 ? addr[l] : (u32)addr[l];
}

// The state space of a request. Generic requests are classified by their first lane; the lanes of
// a mixed request go one by one through Block::address, which looks at each.
Space request_space(const Inst& in, const u64* addr, u32 m, bool& uniform_space) {
  uniform_space = true;
  if (in.sp != SP_GENERIC) return in.sp;
  u64 win = addr[__builtin_ctz(m)] >> 56;
  FOR_LANES(l, m) if (addr[l] >> 56 != win) uniform_space = false;
  return win == 1 ? SP_SHARED : win == 2 ? SP_LOCAL : win == 3 ? SP_PARAM : SP_GLOBAL;
}

void count_request(Block& b, Space sp, const u64* addr, u32 m, unsigned n, bool write) {
  Counters& c = b.cnt;
  switch (sp) {
    case SP_GLOBAL:
      b.count_global(addr, m, n, write);
      break;
    case SP_SHARED:
      (write ? c.shared_st_requests : c.shared_ld_requests)++;
      b.count_shared(addr, m, n, write ? &c.shared_st_wavefronts : &c.shared_ld_wavefronts,
                     write ? &c.shared_st_ideal : &c.shared_ld_ideal);
      break;
    case SP_LOCAL:
      (write ? c.local_st_requests : c.local_ld_requests)++;
      c.local_bytes += (u64)__builtin_popcount(m) * n;
      break;
    case SP_CONST:
      c.const_ld_requests++;
      break;
    default:
      break;
  }
}

// Calls f(lane) for the lanes in the mask; a plain loop if that is all of them.
template <class F>
inline void for_lanes(u32 m, F f) {
  if (m == ~0u) {
    for (int l = 0; l < 32; l++) f(l);
  } else {
    FOR_LANES(l, m) f(l);
  }
}

// If every active lane's access lies in one block of memory, the pointer that corresponds to
// address 0; otherwise (and whenever a lane needs checks of its own) null.
u8* bulk_base(Warp& w, const Inst& in, Space sp, const u64* addr, u32 m, unsigned n, bool write,
              bool atomic) {
  Block& b = *w.blk;
  u64 lo = ~0ull, hi = 0, low_bits = 0;
  if (m == ~0u) {
    for (int l = 0; l < 32; l++) lo = std::min(lo, addr[l]);
    for (int l = 0; l < 32; l++) hi = std::max(hi, addr[l]);
    for (int l = 0; l < 32; l++) low_bits |= addr[l];
  } else {
    FOR_LANES(l, m) {
      lo = std::min(lo, addr[l]);
      hi = std::max(hi, addr[l]);
      low_bits |= addr[l];
    }
  }
  if (low_bits & (n - 1)) return nullptr;
  if (sp == SP_GLOBAL || sp == SP_CONST) {
    if (b.global_checked) return nullptr;
    Alloc* a = b.find(lo, hi - lo + n);
    return a ? a->store - a->base : nullptr;
  }
  if (sp == SP_SHARED) {
    const u64 start = (lo >> 56 ? kSharedWindow : 0) + kSharedStart;
    if (lo < start || hi + n > start + b.shared_total) return nullptr;
    if (b.shared_checked) b.shadow_request(w, in, addr, start, m, n, write, atomic);
    return b.shared.data() - start;
  }
  return nullptr;
}

// Volatile and relaxed accesses are meant to race (flags, spinning); the race checks treat them
// like atomics unless PTXI_SHARED=2.
inline bool relaxed(const Inst& in) {
  return in.is_volatile && opt().shared_check < 2;
}

inline u64 load_value(const u8* p, int n, bool sign) {
  u64 v = 0;
  memcpy(&v, p, (size_t)n);
  return sign ? (u64)sign_extend(v, n * 8) : v;
}

// The mask without lanes that write the same value to the same address as an earlier lane.
u32 drop_equal_writes(Warp& w, const Inst& in, const u64* addr, u32 m) {
  u32 keep = 0;
  FOR_LANES(l, m) {
    bool equal = false;
    FOR_LANES(o, keep) {
      if (addr[o] != addr[l]) continue;
      equal = true;
      for (int i = 0; i < in.ns; i++)
        if (w.get(in.s[i], o) != w.get(in.s[i], l)) equal = false;
      break;
    }
    if (!equal) keep |= 1u << l;
  }
  return keep;
}

}  // namespace

void h_ld(Warp& w, const Inst& in, u32 m) {
  Block& b = *w.blk;
  const int n = type_bits(in.t) / 8;
  const unsigned total = (unsigned)(n * in.vec);
  const bool sign = is_signed(in.t);
  if (in.sp == SP_PARAM && in.base.file() == 1) {  // a parameter: the same for all lanes
    u64 a = w.get(in.base, 0) + (u64)in.off;
    const u8* p = b.address(w, __builtin_ctz(m), in, SP_PARAM, a, total, false);
    for (int i = 0; i < in.nd; i++) {
      u64 v = load_value(p + i * n, n, sign);
      FOR_LANES(l, m) w.set(in.d[i], l, v);
    }
    return;
  }
  u64 addr[32];
  lane_addresses(w, in.base, in.off, in.sp, addr);
  bool same;
  Space sp = request_space(in, addr, m, same);
  if (b.counting && same) count_request(b, sp, addr, m, total, false);
  u8* base = same ? bulk_base(w, in, sp, addr, m, total, false, relaxed(in)) : nullptr;
  if (base) {
    for (int i = 0; i < in.nd; i++) {
      RegClass c = in.d[i].cls();
      const u8* p = base + i * n;
      if (n == 4 && c == RC_32) {
        u32* d = w.r32(in.d[i]);
        for_lanes(m, [&](int l) { memcpy(&d[l], p + addr[l], 4); });
      } else if (n == 8 && c == RC_64) {
        u64* d = w.r64(in.d[i]);
        for_lanes(m, [&](int l) { memcpy(&d[l], p + addr[l], 8); });
      } else if (n == 2 && !sign && c != RC_64) {
        u32* d = w.r32(in.d[i]);
        FOR_LANES(l, m) {
          u16 v;
          memcpy(&v, p + addr[l], 2);
          d[l] = v;
        }
      } else {
        FOR_LANES(l, m) w.set(in.d[i], l, load_value(p + addr[l], n, sign));
      }
    }
    return;
  }
  FOR_LANES(l, m) {
    const u8* p = b.address(w, l, in, in.sp, addr[l], total, false, relaxed(in));
    for (int i = 0; i < in.nd; i++) w.set(in.d[i], l, load_value(p + i * n, n, sign));
  }
}

void h_st(Warp& w, const Inst& in, u32 m) {
  Block& b = *w.blk;
  const int n = type_bits(in.t) / 8;
  const unsigned total = (unsigned)(n * in.vec);
  u64 addr[32];
  lane_addresses(w, in.base, in.off, in.sp, addr);
  bool same;
  Space sp = request_space(in, addr, m, same);
  if (b.counting && same) count_request(b, sp, addr, m, total, true);
  // Lanes that write the same shared address with different values race with each other; with
  // equal values the result is defined, and only PTXI_SHARED=2 reports them.
  if (sp == SP_SHARED && same && opt().shared_check == 1) {
    bool rising = true;  // strictly rising addresses cannot repeat
    u64 last = 0;
    FOR_LANES(l, m) {
      rising &= addr[l] > last;
      last = addr[l];
    }
    if (!rising) m = drop_equal_writes(w, in, addr, m);
  }
  u8* base = same ? bulk_base(w, in, sp, addr, m, total, true, relaxed(in)) : nullptr;
  if (base) {
    for (int i = 0; i < in.ns; i++) {
      u8* p = base + i * n;
      RegClass c = in.s[i].cls();
      if (n == 4 && c == RC_32) {
        const u32* s = w.r32(in.s[i]);
        for_lanes(m, [&](int l) { memcpy(p + addr[l], &s[l], 4); });
      } else if (n == 2 && c != RC_64) {
        const u32* s = w.r32(in.s[i]);
        for_lanes(m, [&](int l) { memcpy(p + addr[l], &s[l], 2); });
      } else {
        FOR_LANES(l, m) {
          u64 v = w.get(in.s[i], l);
          memcpy(p + addr[l], &v, (size_t)n);
        }
      }
    }
    return;
  }
  FOR_LANES(l, m) {
    u8* p = b.address(w, l, in, in.sp, addr[l], total, true, relaxed(in));
    for (int i = 0; i < in.ns; i++) {
      u64 v = w.get(in.s[i], l);
      memcpy(p + i * n, &v, (size_t)n);
    }
  }
}

// ---------------------------------------------------------------------------------------------
// cp.async. By default the data arrive as late as the program allows (when a wait covers their
// group); with PTXI_CPASYNC=early they arrive at once. A correct program gives the same result
// either way. The shadow treats the destination as written from issue to completion.
// ---------------------------------------------------------------------------------------------
static void copy_now(Block& b, Warp& w, int l, const Inst& in, const AsyncCopy& c) {
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

void Block::flush_copies(Warp& w, int l, const Inst& in, std::vector<AsyncCopy>& q) {
  for (auto& c : q) {
    if (!opt().cp_early) copy_now(*this, w, l, in, c);
    if (opt().shared_check) {
      shadow_inflight(w, l, in, c.dst - kSharedStart, (unsigned)c.bytes, false);
      shadow_access(w, l, in, c.dst - kSharedStart, (unsigned)c.bytes, true, false);
    }
  }
  q.clear();
}

void h_cp_async(Warp& w, const Inst& in, u32 m) {
  Block& b = *w.blk;
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
        if (opt().init_check || opt().race_check)
          b.global_checks(w, l, in, a, c.src, (unsigned)bytes, false, false);
        reading |= 1u << l;
      }
      if (opt().shared_check) b.shadow_inflight(w, l, in, c.dst - kSharedStart, n, true);
      if (opt().cp_early) copy_now(b, w, l, in, c);
      w.open[l].push_back(c);
    }
    if (b.counting) {
      b.cnt.cp_async_requests++;
      b.cnt.cp_async_bytes += (u64)__builtin_popcount(m) * n;
      b.count_shared(dst, m, n, &b.cnt.cp_async_wavefronts, &b.cnt.cp_async_ideal);
      if (reading) b.count_global(src, reading, n, false);
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

// ---------------------------------------------------------------------------------------------
// ldmatrix, stmatrix, movmatrix: 8x8 matrices of 16-bit elements; lane l holds row l/4, elements
// 2*(l%4) and the next one. The transposed forms swap rows and columns.
// ---------------------------------------------------------------------------------------------
static void matrix_rows(Warp& w, const Inst& in, u64* addr) {
  lane_addresses(w, in.base, in.off, SP_SHARED, addr);
  for (int l = 0; l < 32; l++)
    if (addr[l] >> 56 == 1) addr[l] -= kSharedWindow;
}

static void count_matrix(Block& b, const Inst& in, const u64* addr, u64* req, u64* waves, u64* ideal) {
  ++*req;
  for (int q = 0; q < in.n; q++) {  // one matrix at a time, like a quarter-warp 16-byte access
    u64 rows[32];
    for (int r = 0; r < 8; r++) rows[r] = addr[q * 8 + r];
    b.count_shared(rows, 0xff, 16, waves, ideal);
  }
}

void h_ldmatrix(Warp& w, const Inst& in, u32) {
  Block& b = *w.blk;
  u64 addr[32];
  matrix_rows(w, in, addr);
  if (b.counting)
    count_matrix(b, in, addr, &b.cnt.ldmatrix_requests, &b.cnt.ldmatrix_wavefronts, &b.cnt.ldmatrix_ideal);
  const u32 lanes = in.n == 4 ? ~0u : (1u << 8 * in.n) - 1;  // those that give addresses
  u8* base = bulk_base(w, in, SP_SHARED, addr, lanes, 16, false, false);
  for (int q = 0; q < in.n; q++) {
    alignas(64) u32 rows[8][4];  // 8 rows of 8 halves
    for (int r = 0; r < 8; r++) {
      const int l = q * 8 + r;
      memcpy(rows[r], base ? base + addr[l] : b.address(w, l, in, SP_SHARED, addr[l], 16, false), 16);
    }
    u32* d = w.r32(in.d[q]);
    if (!in.mode) {
      memcpy(d, rows, 128);  // lane l = 4*row + pair: exactly the layout in memory
    } else {
      const u16* h = (const u16*)rows;
      for (int l = 0; l < 32; l++) {
        int r = (l % 4) * 2, c = l / 4;
        d[l] = h[r * 8 + c] | (u32)h[(r + 1) * 8 + c] << 16;
      }
    }
  }
}

void h_stmatrix(Warp& w, const Inst& in, u32) {
  Block& b = *w.blk;
  u64 addr[32];
  matrix_rows(w, in, addr);
  if (b.counting)
    count_matrix(b, in, addr, &b.cnt.stmatrix_requests, &b.cnt.stmatrix_wavefronts, &b.cnt.stmatrix_ideal);
  for (int q = 0; q < in.n; q++) {
    u16 h[8][8];
    for (int l = 0; l < 32; l++) {
      u32 v = w.r32(in.s[q])[l];
      for (int j = 0; j < 2; j++) {
        int r = l / 4, c = (l % 4) * 2 + j;
        (in.mode ? h[c][r] : h[r][c]) = (u16)(v >> (16 * j));
      }
    }
    for (int r = 0; r < 8; r++)
      memcpy(b.address(w, q * 8 + r, in, SP_SHARED, addr[q * 8 + r], 16, true), h[r], 16);
  }
}

void h_movmatrix(Warp& w, const Inst& in, u32) {
  u16 h[64];
  memcpy(h, w.r32(in.s[0]), 128);
  u32* d = w.r32(in.d[0]);
  for (int l = 0; l < 32; l++) {
    int r = (l % 4) * 2, c = l / 4;
    d[l] = h[r * 8 + c] | (u32)h[(r + 1) * 8 + c] << 16;
  }
}

}  // namespace ptxi
