// Arithmetic of one lane: operations on bits.

#include "alu.h"

namespace ptxi {

static u64 bit_extract(const Instruction& in, u64 a, u32 pos, u32 len) {
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

u64 eval_bits(const Instruction& in, u64 a, u64 b, u64 c, u64 e) {
  const Type t = in.t;
  const int B = type_bits(t);
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
    case O_shr: {
      u32 s = (u32)b;
      if (is_signed(t)) return (u64)(sign_extend(a, B) >> std::min<u32>(s, B - 1));
      return s >= (u32)B ? 0 : zero_extend(a, B) >> s;
    }
    case O_shf: {  // mode bit 0: right, bit 1: clamp
      u32 n = in.mode & 2 ? std::min<u32>((u32)c, 32) : (u32)c & 31;
      u64 v = b << 32 | (u32)a;
      if (in.mode & 1) return n == 32 ? (u32)b : (u32)(v >> n);
      return n == 32 ? (u32)a : (u32)(v << n >> 32);
    }
    case O_lop3: {
      u32 x = (u32)a, y = (u32)b, z = (u32)c, r = 0;
      for (int i = 0; i < 8; i++)
        if (e >> i & 1) r |= (i & 4 ? x : ~x) & (i & 2 ? y : ~y) & (i & 1 ? z : ~z);
      return r;
    }
    case O_prmt: {
      u64 v = b << 32 | (u32)a;
      u32 r = 0;
      for (int i = 0; i < 4; i++) {
        u32 sel = (u32)c >> (4 * i) & 15, by = (u32)(v >> (8 * (sel & 7))) & 255;
        if (sel & 8) by = by & 0x80 ? 255 : 0;
        r |= by << (8 * i);
      }
      return r;
    }
    case O_bfe:
      return bit_extract(in, a, (u32)b, (u32)c);
    case O_bfi: {
      u32 p = c & 255, n = e & 255;
      u64 mask = n >= 64 ? ~0ull : (1ull << n) - 1;
      mask = p >= 64 ? 0 : mask << p;
      return (b & ~mask) | ((p >= 64 ? 0 : a << p) & mask);
    }
    case O_bmsk: {
      u64 p = (u32)a, n = (u32)b;
      if (in.mode) {
        p &= 31;
        n &= 31;
      } else {
        p = std::min<u64>(p, 32);
        n = std::min<u64>(n, 32);
      }
      return ((1ull << n) - 1) << p;
    }
    case O_szext: {
      u32 n = std::min<u32>((u32)b, 32);
      return n == 0 ? 0 : is_signed(t) ? (u64)sign_extend(a, n) : zero_extend(a, n);
    }
    case O_brev: {
      u64 r = 0;
      for (int i = 0; i < B; i++)
        if (a >> i & 1) r |= 1ull << (B - 1 - i);
      return r;
    }
    case O_popc:
      return __builtin_popcountll(zero_extend(a, B));
    case O_clz: {
      u64 v = zero_extend(a, B);
      return v ? __builtin_clzll(v) - (64 - B) : B;
    }
    case O_bfind: {
      u64 v = zero_extend(a, B);
      if (is_signed(t) && v >> (B - 1) & 1) v = zero_extend(~v, B);
      if (!v) return 0xffffffffu;
      u64 r = 63 - __builtin_clzll(v);
      return in.mode ? B - 1 - r : r;
    }
    default:
      return 0;
  }
}

}  // namespace ptxi
