// Atomic operations and reductions.

#include "alu.h"
#include "handlers.h"

namespace ptxi {

// The PTX ISA: subnormal floats are flushed where memory is global, and kept where it is shared.
static u64 float_sum(float x, float y, bool global) {
  return canonical(global ? flush(flush(x) + flush(y)) : x + y);
}

static u64 atomic_value(Warp& w, const Instruction& in, bool global, u64 o, u64 b, u64 c) {
  const int bits = type_bits(in.t);
  switch (in.mode) {
    case 3:
      return o & b;
    case 4:
      return o | b;
    case 5:
      return o ^ b;
    case 6:
      return b;
    case 7:
      return zero_extend(o, bits) == zero_extend(b, bits) ? c : o;
    case 8:
      return (u32)o >= (u32)b ? 0 : o + 1;
    case 9:
      return (u32)o == 0 || (u32)o > (u32)b ? b : o - 1;
    default:
      break;
  }
  auto halves = [&](Type e, u64 x, u64 y) -> u64 {
    double p = to_double(e, x & 0xffff, false), q = to_double(e, y & 0xffff, false);
    return round_to(e, in.mode == 0 ? p + q : in.mode == 1 ? fmin_ptx(p, q, false) : fmax_ptx(p, q, false));
  };
  switch (in.t) {
    case T_F32:
      if (in.mode == 0) return float_sum(u2f((u32)o), u2f((u32)b), global);
      break;
    case T_F64:
      if (in.mode == 0) return d2u(u2d(o) + u2d(b));
      break;
    case T_F16:
    case T_BF16:
      return halves(in.t, o, b);
    case T_F16X2:
      return halves(T_F16, o, b) | halves(T_F16, o >> 16, b >> 16) << 16;
    case T_BF16X2:
      return halves(T_BF16, o, b) | halves(T_BF16, o >> 16, b >> 16) << 16;
    case T_S32:
    case T_S64: {
      i64 x = sign_extend(o, bits), y = sign_extend(b, bits);
      return (u64)(in.mode == 0 ? (i64)((u64)x + (u64)y) : in.mode == 1 ? std::min(x, y) : std::max(x, y));
    }
    default: {
      u64 x = zero_extend(o, bits), y = zero_extend(b, bits);
      return in.mode == 0 ? x + y : in.mode == 1 ? std::min(x, y) : std::max(x, y);
    }
  }
  w.block->err(in, E_ILLEGAL_INSTRUCTION, "unsupported atomic operation", &w, 0);
}

template <class T>
static u64 atomic_rmw(Warp& w, const Instruction& in, bool global, u8* p, u64 b, u64 c) {
  T o = __atomic_load_n((T*)p, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n((T*)p, &o, (T)atomic_value(w, in, global, o, b, c), false,
                                      __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
  }
  return o;
}

void h_atom(Warp& w, const Instruction& in, u32 m) {
  const int n = type_bits(in.t) / 8;
  Block& block = *w.block;
  u32 shared_lanes = 0;
  FOR_LANES(l, m) {
    u64 first = w.get(in.base, l) + in.off;
    if (in.sp == SP_SHARED && first < kSharedWindow) first = (u32)first;
    const bool shared = in.sp == SP_SHARED || (in.sp == SP_GENERIC && first >> 56 == 1);
    if (shared) shared_lanes |= 1u << l;
    for (int i = 0; i < in.vec; i++) {
      const u64 a = first + (u64)(i * n);
      u8* p = block.address(w, l, in, in.sp, a, n, true, true);
      if (!shared && a - block.grid_workspace < kGridWorkspace) block.grid_arrivals++;
      u64 b = w.get(in.s[i], l), c = in.ns > 1 && in.vec == 1 ? w.get(in.s[1], l) : 0, old;
      if (n == 4)
        old = atomic_rmw<u32>(w, in, !shared, p, b, c);
      else if (n == 8)
        old = atomic_rmw<u64>(w, in, !shared, p, b, c);
      else
        old = atomic_rmw<u16>(w, in, !shared, p, b, c);
      if (in.op == O_atom) w.set(in.d[i], l, old);
    }
  }
  if (block.counting) {
    Counters& c = block.counters_of(in);
    c.shared_atomic_requests += shared_lanes != 0;
    c.shared_atomic_lanes += (u64)__builtin_popcount(shared_lanes);
    c.global_atomic_requests += shared_lanes != m;
    c.global_atomic_lanes += (u64)__builtin_popcount(m & ~shared_lanes);
  }
}

}  // namespace ptxi
