// Arithmetic of one lane: operations on bits.

#include "alu.h"

namespace ptxi {

namespace {

u64 bit_extract(const Instruction& in, u64 a, u32 pos, u32 len) {
  const u32 B = type_bits(in.t);
  pos &= 255;
  len &= 255;
  if (!len) return 0;
  u64 v = zero_extend(a, B);
  u64 sign = is_signed(in.t) ? v >> std::min(pos + len - 1, B - 1) & 1 : 0;
  u64 r = 0;
  for (u32 i = 0; i < B; i++) {
    u64 bit = i < len && pos + i < B ? v >> (pos + i) & 1 : sign;
    r |= bit << i;
  }
  return r;
}

u64 bit_insert(u64 a, u64 into, u32 pos, u32 len) {
  pos &= 255;
  len &= 255;
  if (pos >= 64) return into;
  const u64 mask = (len >= 64 ? ~0ull : (1ull << len) - 1) << pos;
  return (into & ~mask) | (a << pos & mask);
}

u64 bit_mask(bool wrap, u32 pos, u32 len) {
  pos = wrap ? pos & 31 : std::min(pos, 32u);
  len = wrap ? len & 31 : std::min(len, 32u);
  return ((1ull << len) - 1) << pos;
}

u64 shift_right(const Instruction& in, u64 a, u32 n) {
  const u32 B = type_bits(in.t);
  if (is_signed(in.t)) return (u64)(sign_extend(a, B) >> std::min(n, B - 1));
  return n >= B ? 0 : zero_extend(a, B) >> n;
}

u32 funnel_shift(const Instruction& in, u32 low, u32 high, u32 n) {  // mode bit 0: right, bit 1: clamp
  n = in.mode & 2 ? std::min(n, 32u) : n & 31;
  const u64 v = (u64)high << 32 | low;
  return (u32)(in.mode & 1 ? v >> n : v << n >> 32);
}

u32 lop3(u32 x, u32 y, u32 z, u64 table) {
  u32 r = 0;
  for (int i = 0; i < 8; i++)
    if (table >> i & 1) r |= (i & 4 ? x : ~x) & (i & 2 ? y : ~y) & (i & 1 ? z : ~z);
  return r;
}

// What the modes of prmt choose by the low two bits of c, as selectors of bytes.
u32 selectors_of_mode(int mode, u32 c) {
  const int n = c & 3;
  u32 r = 0;
  for (int i = 0; i < 4; i++) {
    const int byte = mode == PRMT_F4E   ? n + i
                     : mode == PRMT_B4E ? (n - i) & 7
                     : mode == PRMT_RC8 ? n
                     : mode == PRMT_ECL ? std::max(i, n)
                     : mode == PRMT_ECR ? std::min(i, n)
                                        : 2 * (n & 1) + (i & 1);
    r |= (u32)byte << (4 * i);
  }
  return r;
}

u32 permute_bytes(u32 low, u32 high, u32 selectors) {
  const u64 v = (u64)high << 32 | low;
  u32 r = 0;
  for (int i = 0; i < 4; i++) {
    u32 sel = selectors >> (4 * i) & 15, by = (u32)(v >> (8 * (sel & 7))) & 255;
    if (sel & 8) by = by & 0x80 ? 255 : 0;
    r |= by << (8 * i);
  }
  return r;
}

// The position of the |offset|-th set bit of the mask from `base` on, upwards or downwards; offset 0: `base`
// if that is set. Else all ones.
u32 nth_set_bit(u32 mask, u32 base, i32 offset) {
  const int step = offset < 0 ? -1 : 1;
  i64 left = offset ? (i64)offset * step : 1;
  for (i64 at = base; at >= 0 && at < 32; at += step) {
    if (mask >> at & 1 && --left == 0) return (u32)at;
    if (offset == 0) break;
  }
  return ~0u;
}

u64 extend(const Instruction& in, u64 a, u32 n) {
  n = std::min(n, 32u);
  return n == 0 ? 0 : is_signed(in.t) ? (u64)sign_extend(a, n) : zero_extend(a, n);
}

u64 reverse(u64 a, int B) {
  u64 r = 0;
  for (int i = 0; i < B; i++)
    if (a >> i & 1) r |= 1ull << (B - 1 - i);
  return r;
}

u64 leading_zeros(u64 a, int B) {
  const u64 v = zero_extend(a, B);
  return v ? __builtin_clzll(v) - (64 - B) : B;
}

// The highest bit that is not the sign; `mode`: how far below the top.
u64 highest_bit(const Instruction& in, u64 a) {
  const int B = type_bits(in.t);
  u64 v = zero_extend(a, B);
  if (is_signed(in.t) && v >> (B - 1) & 1) v = zero_extend(~v, B);
  if (!v) return 0xffffffffu;
  u64 r = 63 - __builtin_clzll(v);
  return in.mode ? B - 1 - r : r;
}

}  // namespace

u64 eval_bits(const Instruction& in, u64 a, u64 b, u64 c, u64 e) {
  const int B = type_bits(in.t);
  switch (in.op) {
    case O_and_:
      return a & b;
    case O_or_:
      return a | b;
    case O_xor_:
      return a ^ b;
    case O_not_:
      return ~a;
    case O_cnot:
      return zero_extend(a, B) == 0;
    case O_shl:
      return (u32)b >= (u32)B ? 0 : a << (u32)b;
    case O_shr:
      return shift_right(in, a, (u32)b);
    case O_shf:
      return funnel_shift(in, (u32)a, (u32)b, (u32)c);
    case O_lop3:
      return lop3((u32)a, (u32)b, (u32)c, e);
    case O_prmt:
      return permute_bytes((u32)a, (u32)b, in.mode ? selectors_of_mode(in.mode, (u32)c) : (u32)c);
    case O_fns:
      return nth_set_bit((u32)a, (u32)b, (i32)c);
    case O_bfe:
      return bit_extract(in, a, (u32)b, (u32)c);
    case O_bfi:
      return bit_insert(a, b, (u32)c, (u32)e);
    case O_bmsk:
      return bit_mask(in.mode, (u32)a, (u32)b);
    case O_szext:
      return extend(in, a, in.mode ? b & 31 : (u32)b);
    case O_brev:
      return reverse(a, B);
    case O_popc:
      return __builtin_popcountll(zero_extend(a, B));
    case O_clz:
      return leading_zeros(a, B);
    case O_bfind:
      return highest_bit(in, a);
    default:
      return 0;
  }
}

}  // namespace ptxi
