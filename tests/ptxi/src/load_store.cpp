// Loads and stores.

#include <algorithm>
#include <cstring>

#include "handlers.h"
#include "lane_addresses.h"
#include "lanes.h"
#include "numeric.h"

namespace ptxi {

namespace {

// The state space of a request. Generic requests are classified by their first lane; the lanes of
// a mixed request go one by one through Block::address, which looks at each.
Space request_space(const Instruction& in, const u64* addr, u32 m, bool& uniform_space) {
  uniform_space = true;
  if (in.sp != SP_GENERIC) return in.sp;
  u64 win = addr[__builtin_ctz(m)] >> 56;
  FOR_LANES(l, m) if (addr[l] >> 56 != win) uniform_space = false;
  return win == 1 ? SP_SHARED : win == 2 ? SP_LOCAL : win == 3 ? SP_PARAM : SP_GLOBAL;
}

void count_request(Block& b, const Instruction& in, Space sp, const u64* addr, u32 m, unsigned n,
                   bool write) {
  Counters& c = b.counters_of(in);
  switch (sp) {
    case SP_GLOBAL:
      b.count_global(in, addr, m, n, write);
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

}  // namespace

u8* bulk_base(Warp& w, const Instruction& in, Space sp, const u64* addr, u32 m, unsigned n, bool write,
              bool atomic) {
  Block& b = *w.block;
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
    Alloc* a = b.find(lo, hi - lo + n);
    if (!a) return nullptr;
    if (b.global_checked) FOR_LANES(l, m) b.global_checks(w, l, in, a, addr[l], n, write);
    return a->store - a->base;
  }
  if (sp == SP_SHARED) {
    const u64 start = (lo >> 56 ? kSharedWindow : 0) + kSharedStart;
    if (lo < start || hi + n > start + b.shared_total) return nullptr;
    if (b.shared_checked) b.shadow_request(w, in, addr, start, m, n, write, atomic);
    if (b.fences_followed && in.access > WEAK)
      FOR_LANES(l, m) b.strong_access(w, l, in, b.shared_places, addr[l] - start);
    return b.shared.data() - start;
  }
  return nullptr;
}

namespace {

// Volatile accesses and relaxed ones, acquires and releases are meant to race (flags, spinning): the checks
// of shared memory treat them like atomics, with PTXI_SHARED=2 all but the volatile ones.
inline bool strong(const Instruction& in) {
  return in.access > WEAK && !(in.is_volatile && options().shared_check == 2);
}

inline u64 load_value(const u8* p, int n, bool sign) {
  u64 v = 0;
  memcpy(&v, p, (size_t)n);
  return sign ? (u64)sign_extend(v, n * 8) : v;
}

// Parameters are nearly always read by all lanes at the same address.
bool all_equal(const u64* addr, u32 m) {
  u64 other = 0;
  for (int l = 0; l < 32; l++) other |= m >> l & 1 ? addr[l] ^ addr[__builtin_ctz(m)] : 0;
  return !other;
}
void set_lanes(Warp& w, Ref d, u32 m, u64 v) {
  if (d.cls() == RC_64)
    store_lanes(w.r64(d), m, [=](int) { return v; });
  else
    store_lanes(w.r32(d), m, [=](int) { return d.cls() == RC_16 ? (u16)v : (u32)v; });
}

// The mask without lanes that write the same value to the same address as an earlier lane.
u32 drop_equal_writes(Warp& w, const Instruction& in, const u64* addr, u32 m) {
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

void h_ld(Warp& w, const Instruction& in, u32 m) {
  Block& b = *w.block;
  const int n = type_bits(in.t) / 8;
  const unsigned total = (unsigned)(n * in.vec);
  const bool sign = is_signed(in.t);
  u64 addr[32];
  lane_addresses(w, in.base, in.off, in.sp, addr);
  if (in.sp == SP_PARAM && all_equal(addr, m)) {
    const int first = __builtin_ctz(m);
    const u8* p = b.address(w, first, in, SP_PARAM, addr[first], total, false);
    for (int i = 0; i < in.nd; i++) set_lanes(w, in.d[i], m, load_value(p + i * n, n, sign));
    return;
  }
  bool same;
  Space sp = request_space(in, addr, m, same);
  if (b.counting && same) count_request(b, in, sp, addr, m, total, false);
  u8* base = same ? bulk_base(w, in, sp, addr, m, total, false, strong(in)) : nullptr;
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
    const u8* p = b.address(w, l, in, in.sp, addr[l], total, false, strong(in));
    for (int i = 0; i < in.nd; i++) w.set(in.d[i], l, load_value(p + i * n, n, sign));
  }
}

void h_st(Warp& w, const Instruction& in, u32 m) {
  Block& b = *w.block;
  const int n = type_bits(in.t) / 8;
  const unsigned total = (unsigned)(n * in.vec);
  u64 addr[32];
  lane_addresses(w, in.base, in.off, in.sp, addr);
  bool same;
  Space sp = request_space(in, addr, m, same);
  if (b.counting && same) count_request(b, in, sp, addr, m, total, true);
  // Lanes that write the same address with different values race with each other; with equal values
  // the result is defined, and only PTXI_SHARED=2 reports them.
  if ((sp == SP_SHARED || (sp == SP_GLOBAL && options().race_check)) && same && options().shared_check == 1) {
    bool rising = true;  // strictly rising addresses cannot repeat
    u64 last = 0;
    FOR_LANES(l, m) {
      rising &= addr[l] > last;
      last = addr[l];
    }
    if (!rising) m = drop_equal_writes(w, in, addr, m);
  }
  u8* base = same ? bulk_base(w, in, sp, addr, m, total, true, strong(in)) : nullptr;
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
    u8* p = b.address(w, l, in, in.sp, addr[l], total, true, strong(in));
    for (int i = 0; i < in.ns; i++) {
      u64 v = w.get(in.s[i], l);
      memcpy(p + i * n, &v, (size_t)n);
    }
  }
}

}  // namespace ptxi
