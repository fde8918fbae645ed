// Vectorised comparisons and operations on predicates.

#include "lanes.h"
#include "vector_alu.h"

namespace ptxi {

namespace {

// Comparisons
template <int C, class T>
inline bool cmp(T x, T y) {
  return C == 0 ? x == y : C == 1 ? x != y : C == 2 ? x < y : C == 3 ? x <= y : C == 4 ? x > y : x >= y;
}
inline void combine(Warp& w, const Instruction& in, u32 m, u32 r) {
  u32 q = ~r;
  if (in.bop) {
    u32 p = *w.r32(in.s[2]) ^ (in.src_neg ? ~0u : 0);
    r = in.bop == 1 ? r & p : in.bop == 2 ? r | p : r ^ p;
    q = in.bop == 1 ? q & p : in.bop == 2 ? q | p : q ^ p;
  }
  u32* d = w.r32(in.d[0]);
  *d = (*d & ~m) | (r & m);
  if (in.nd > 1) {
    d = w.r32(in.d[1]);
    *d = (*d & ~m) | (q & m);
  }
}
template <int C, class T>
void setp(Warp& w, const Instruction& in, u32 m) {
  const Source<T> a(w, in, in.s[0]), b(w, in, in.s[1]);
  u32 r = 0;
  for (int l = 0; l < 32; l++) r |= (u32)cmp<C, T>(a[l], b[l]) << l;
  combine(w, in, m, r);
}
template <class T>
Handler setp_for(int c) {
  switch (c) {
    case 0:
      return setp<0, T>;
    case 1:
      return setp<1, T>;
    case 2:
      return setp<2, T>;
    case 3:
      return setp<3, T>;
    case 4:
      return setp<4, T>;
    case 5:
      return setp<5, T>;
    default:
      return nullptr;
  }
}
// Predicates
void predicate_operation(Warp& w, const Instruction& in, u32 m) {
  u32 a = *w.r32(in.s[0]), b = in.ns > 1 ? *w.r32(in.s[1]) : 0;
  u32 r = in.op == O_and_   ? a & b
          : in.op == O_or_  ? a | b
          : in.op == O_xor_ ? a ^ b
          : in.op == O_not_ ? ~a
                            : a;
  u32* d = w.r32(in.d[0]);
  *d = (*d & ~m) | (r & m);
}

}  // namespace

Handler vector_comparison(const Instruction& in) {
  const int bits = type_bits(in.t);
  const RegClass want = bits == 64 ? RC_64 : bits == 16 ? RC_16 : RC_32;
  if (in.d[0].cls() != RC_PRED || in.s[0].cls() != want || in.s[1].cls() != want) return nullptr;
  switch (in.t) {
    case T_S16:
      return in.cmp < 2 ? setp_for<u16>(in.cmp) : nullptr;
    case T_U16:
    case T_B16:
      return setp_for<u16>(in.cmp);
    case T_S32:
      return setp_for<i32>(in.cmp);
    case T_U32:
    case T_B32:
      return setp_for<u32>(in.cmp);
    case T_S64:
      return setp_for<i64>(in.cmp);
    case T_U64:
    case T_B64:
      return setp_for<u64>(in.cmp);
    // For floats a plain C comparison is the ordered one, except "ne", which must also be false for NaN.
    case T_F32:
      return in.ftz || in.cmp == 1 ? nullptr : setp_for<float>(in.cmp);
    default:
      return nullptr;
  }
}

Handler vector_predicate(const Instruction& in) {
  return in.src_neg ? nullptr : predicate_operation;
}

}  // namespace ptxi
