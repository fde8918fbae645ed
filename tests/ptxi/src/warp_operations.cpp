// Operations of a warp: shuffles, votes, matches, reductions.

#include <algorithm>
#include <cstring>

#include "handlers.h"
#include "numeric.h"

namespace ptxi {

using std::string;

// shfl modes: 0 up, 1 down, 2 bfly, 3 idx. The clamp operand holds the segment mask in bits 8-12
// and the bound in bits 0-4.
void h_shfl(Warp& w, const Instruction& in, u32 m) {
  u32 src[32], out[32];
  memcpy(src, w.r32(in.s[0]), sizeof src);
  u32 pred = 0;
  FOR_LANES(l, m) {
    int b = (int)w.get(in.s[1], l) & 31, cv = (int)w.get(in.s[2], l);
    int bound = cv & 31, seg = cv >> 8 & 31;
    int max = (l & seg) | (bound & ~seg), min = l & seg, j;
    bool p;
    switch (in.mode) {
      case 0:
        j = l - b;
        p = j >= max;
        break;
      case 1:
        j = l + b;
        p = j <= max;
        break;
      case 2:
        j = l ^ b;
        p = j <= max;
        break;
      default:
        j = min | (b & ~seg);
        p = j <= max;
    }
    if (!p) j = l;
    const u32 members = in.ns > 3 ? member_mask(w, in, l) : ~0u;
    if (!(members >> j & 1))
      w.block->warn(in, "shfl.sync reads lane " + std::to_string(j) + ", which is not in the member mask", &w,
                    l);
    else if (!(m >> j & 1))
      w.block->warn(in, "shfl reads lane " + std::to_string(j) + ", which is inactive or has exited", &w, l);
    out[l] = src[j];
    pred |= (u32)p << l;
  }
  u32* d = w.r32(in.d[0]);
  FOR_LANES(l, m) d[l] = out[l];
  if (in.nd > 1) {
    u32* q = w.r32(in.d[1]);
    *q = (*q & ~m) | pred;
  }
  if (w.block->counting) w.block->counters_of(in).shuffles++;
}

// vote modes: 0 all, 1 any, 2 uni, 3 ballot
void h_vote(Warp& w, const Instruction& in, u32 m) {
  u32 ballot = (*w.r32(in.s[0]) ^ (in.src_neg ? ~0u : 0)) & m;
  bool r = in.mode == 0 ? ballot == m : in.mode == 1 ? ballot != 0 : ballot == 0 || ballot == m;
  FOR_LANES(l, m) w.set(in.d[0], l, in.mode == 3 ? ballot : r);
  if (w.block->counting) w.block->counters_of(in).votes++;
}

void h_match(Warp& w, const Instruction& in, u32 m) {
  u64 v[32];
  const int bits = type_bits(in.t);
  FOR_LANES(l, m) v[l] = zero_extend(w.get(in.s[0], l), bits);
  FOR_LANES(l, m) {
    u32 q = 0;
    FOR_LANES(j, m) if (v[j] == v[l]) q |= 1u << j;
    if (in.mode) {  // match.all
      w.set(in.d[0], l, q == m ? m : 0);
      if (in.nd > 1) w.set(in.d[1], l, q == m);
    } else {
      w.set(in.d[0], l, q);
    }
  }
  if (w.block->counting) w.block->counters_of(in).votes++;
}

void h_redux(Warp& w, const Instruction& in, u32 m) {
  i64 r = 0;
  bool first = true;
  FOR_LANES(l, m) {
    i64 v = is_signed(in.t) ? sign_extend(w.get(in.s[0], l), 32) : (i64)w.get(in.s[0], l);
    if (first)
      r = v;
    else
      switch (in.mode) {
        case 0:
          r += v;
          break;
        case 1:
          r = std::min(r, v);
          break;
        case 2:
          r = std::max(r, v);
          break;
        case 3:
          r &= v;
          break;
        case 4:
          r |= v;
          break;
        default:
          r ^= v;
      }
    first = false;
  }
  FOR_LANES(l, m) w.set(in.d[0], l, (u32)r);
  if (w.block->counting) w.block->counters_of(in).shuffles++;
}

void h_elect(Warp& w, const Instruction& in, u32 m) {
  int leader = __builtin_ctz(m);
  FOR_LANES(l, m) {
    w.set(in.d[0], l, (u64)leader);
    if (in.nd > 1) w.set(in.d[1], l, l == leader);
  }
}

void h_activemask(Warp& w, const Instruction& in, u32 m) {
  FOR_LANES(l, m) w.set(in.d[0], l, m);
}

}  // namespace ptxi
