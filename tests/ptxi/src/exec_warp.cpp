// Warp-wide operations, printf and the remaining instructions; choice of the handler.
#include <algorithm>
#include <cstdio>
#include <cstring>

#include "exec.h"
#include "numeric.h"

namespace ptxi {

using std::string;

// shfl modes: 0 up, 1 down, 2 bfly, 3 idx. The clamp operand holds the segment mask in bits 8-12
// and the bound in bits 0-4.
void h_shfl(Warp& w, const Inst& in, u32 m) {
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
    u32 members = in.ns > 3 ? (u32)w.get(in.s[3], l) : ~0u;
    if (!(members >> j & 1))
      w.blk->warn(in, "shfl.sync reads lane " + std::to_string(j) + ", which is not in the member mask", &w,
                  l);
    else if (!(m >> j & 1))
      w.blk->warn(in, "shfl reads lane " + std::to_string(j) + ", which is inactive or has exited", &w, l);
    out[l] = src[j];
    pred |= (u32)p << l;
  }
  u32* d = w.r32(in.d[0]);
  FOR_LANES(l, m) d[l] = out[l];
  if (in.nd > 1) {
    u32* q = w.r32(in.d[1]);
    *q = (*q & ~m) | pred;
  }
  if (w.blk->counting) w.blk->cnt.shuffles++;
}

// vote modes: 0 all, 1 any, 2 uni, 3 ballot
void h_vote(Warp& w, const Inst& in, u32 m) {
  u32 ballot = (*w.r32(in.s[0]) ^ (in.src_neg ? ~0u : 0)) & m;
  bool r = in.mode == 0 ? ballot == m : in.mode == 1 ? ballot != 0 : ballot == 0 || ballot == m;
  FOR_LANES(l, m) w.set(in.d[0], l, in.mode == 3 ? ballot : r);
  if (w.blk->counting) w.blk->cnt.votes++;
}

void h_match(Warp& w, const Inst& in, u32 m) {
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
  if (w.blk->counting) w.blk->cnt.votes++;
}

void h_redux(Warp& w, const Inst& in, u32 m) {
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
  if (w.blk->counting) w.blk->cnt.shuffles++;
}

void h_elect(Warp& w, const Inst& in, u32 m) {
  int leader = __builtin_ctz(m);
  FOR_LANES(l, m) {
    w.set(in.d[0], l, (u64)leader);
    if (in.nd > 1) w.set(in.d[1], l, l == leader);
  }
}

void h_activemask(Warp& w, const Inst& in, u32 m) {
  FOR_LANES(l, m) w.set(in.d[0], l, m);
}

static string device_string(Block& b, u64 a) {
  string s;
  while (Alloc* al = b.find(a, 1)) {
    char c = (char)al->store[a - al->base];
    if (!c) break;
    s += c;
    a++;
  }
  return s;
}

void h_printf(Warp& w, const Inst& in, u32 m) {
  Block& b = *w.blk;
  FOR_LANES(l, m) {
    u64 fmt_addr, args;
    memcpy(&fmt_addr, b.address(w, l, in, SP_LOCAL, w.get(in.s[0], l), 8, false), 8);
    memcpy(&args, b.address(w, l, in, SP_LOCAL, w.get(in.s[1], l), 8, false), 8);
    const string fmt = device_string(b, fmt_addr);
    u64 o = 0;
    string out;
    auto arg = [&](unsigned n) {
      o = (o + n - 1) / n * n;
      u64 v = 0;
      memcpy(&v, b.address(w, l, in, SP_GENERIC, args + o, n, false), n);
      o += n;
      return v;
    };
    for (size_t i = 0; i < fmt.size();) {
      if (fmt[i] != '%') {
        out += fmt[i++];
        continue;
      }
      if (i + 1 < fmt.size() && fmt[i + 1] == '%') {
        out += '%';
        i += 2;
        continue;
      }
      string spec = "%";
      i++;
      while (i < fmt.size() && !isalpha(fmt[i])) spec += fmt[i++];
      bool wide = false;
      while (i < fmt.size() && strchr("lhzjt", fmt[i])) {
        if (fmt[i] != 'h') wide = true;
        i++;
      }
      char cv = i < fmt.size() ? fmt[i++] : 'd', buf[512];
      if (strchr("fFgGeEaA", cv))
        snprintf(buf, sizeof buf, (spec + cv).c_str(), u2d(arg(8)));
      else if (cv == 's')
        snprintf(buf, sizeof buf, (spec + "s").c_str(), device_string(b, arg(8)).c_str());
      else if (cv == 'p')
        snprintf(buf, sizeof buf, "%p", (void*)arg(8));
      else if (wide)
        snprintf(buf, sizeof buf, (spec + "ll" + cv).c_str(), arg(8));
      else
        snprintf(buf, sizeof buf, (spec + cv).c_str(), (u32)arg(4));
      out += buf;
    }
    fputs(out.c_str(), stdout);
  }
  fflush(stdout);
}

void h_assert(Warp& w, const Inst& in, u32 m) {
  int l = __builtin_ctz(m);
  Block& b = *w.blk;
  u64 v[3] = {0, 0, 0};
  for (int i = 0; i < 3 && i < in.ns; i++)
    memcpy(&v[i], b.address(w, l, in, SP_LOCAL, w.get(in.s[i], l), i == 2 ? 4 : 8, false), i == 2 ? 4 : 8);
  b.err(in, E_ASSERT,
        "device assertion `" + device_string(b, v[0]) + "' failed at " + device_string(b, v[1]) + ":" +
            std::to_string(v[2]),
        &w, l);
}

void h_trap(Warp& w, const Inst& in, u32 m) {
  w.blk->err(in, E_LAUNCH_FAILURE, "trap", &w, __builtin_ctz(m));
}

void h_fence(Warp& w, const Inst&, u32) {
  w.blk->fenced = true;
  if (w.blk->counting) w.blk->cnt.fences++;
}

void h_nop(Warp&, const Inst&, u32) {}

void select_handler(Kernel& k, Inst& in) {
  switch (in.op) {
    case O_ld:
    case O_ldu:
      in.fn = h_ld;
      return;
    case O_st:
      in.fn = h_st;
      return;
    case O_atom:
    case O_red:
      in.fn = h_atom;
      return;
    case O_cp:
      in.fn = h_cp_async;
      return;
    case O_ldmatrix:
      in.fn = h_ldmatrix;
      return;
    case O_stmatrix:
      in.fn = h_stmatrix;
      return;
    case O_movmatrix:
      in.fn = h_movmatrix;
      return;
    case O_mma:
      in.fn = h_mma;
      return;
    case O_shfl:
      in.fn = h_shfl;
      return;
    case O_vote:
      in.fn = h_vote;
      return;
    case O_match:
      in.fn = h_match;
      return;
    case O_redux:
      in.fn = h_redux;
      return;
    case O_elect:
      in.fn = h_elect;
      return;
    case O_activemask:
      in.fn = h_activemask;
      return;
    case O_vprintf_:
      in.fn = h_printf;
      return;
    case O_assertfail_:
      in.fn = h_assert;
      return;
    case O_trap:
      in.fn = h_trap;
      return;
    case O_membar:
    case O_fence:
      in.fn = h_fence;
      return;
    case O_brkpt:
    case O_nanosleep:
    case O_prefetch:
    case O_prefetchu:
    case O_discard:
    case O_griddepcontrol:
    case O_applypriority:
    case O_pmevent:
      in.fn = h_nop;
      return;
    case O_bra:
    case O_brx:
    case O_ret:
    case O_exit:
    case O_bar:
      return;  // scheduler
    case O_dp2a:
      fail("unsupported instruction");
    default:
      in.fn = opt().fast ? fast_handler(k, in) : nullptr;
      if (!in.fn) in.fn = h_generic;
  }
}

}  // namespace ptxi
