// Vectorised conversions.

#include "lanes.h"
#include "vector_alu.h"

namespace ptxi {

namespace {

u32 pack(u32 high, u32 low) {
  return high << 16 | low;
}

Handler between_integers(const Instruction& in) {
  const Type to = in.t, from = in.t2;
  const bool to32 = to == T_B32 || to == T_U32 || to == T_S32,
             to64 = to == T_B64 || to == T_U64 || to == T_S64;
  if (to64 && from == T_S32) return lanes(in, [](i32 a) { return (i64)a; });
  if (to64 && from == T_U32) return lanes(in, [](u32 a) { return (u64)a; });
  if (to32 && type_bits(from) == 64) return lanes(in, [](u64 a) { return (u32)a; });
  if (to == T_U16 && (from == T_U32 || from == T_S32)) return lanes(in, [](u32 a) { return (u16)a; });
  if (to == T_U32 && from == T_U16) return lanes(in, [](u16 a) { return (u32)a; });
  return nullptr;
}

Handler from_f32(const Instruction& in) {
  switch (in.t) {
    case T_BF16X2:
      return lanes(in, [](float a, float b) { return pack(float_to_bf16_rn(a), float_to_bf16_rn(b)); });
    case T_F16X2:
      return lanes(in, [](float a, float b) { return pack(float_to_half_rn(a), float_to_half_rn(b)); });
    case T_BF16:
      return lanes(in, [](float a) { return (u16)float_to_bf16_rn(a); });
    case T_F16:
      return lanes(in, [](float a) { return (u16)float_to_half_rn(a); });
    default:
      return nullptr;
  }
}

Handler to_f32(const Instruction& in) {
  const bool nearest = in.rnd == RN || in.rnd == RND_NONE, none = in.rnd == RND_NONE;
  if (in.t2 == T_S32 && nearest) return lanes(in, [](i32 a) { return (float)a; });
  if (in.t2 == T_U32 && nearest) return lanes(in, [](u32 a) { return (float)a; });
  if (in.t2 == T_BF16 && none) return lanes(in, [](u16 a) { return bf16_to_float(a); });
  if (in.t2 == T_F16 && none) return lanes(in, [](u16 a) { return half_to_float(a); });
  return nullptr;
}

}  // namespace

Handler vector_conversion(const Instruction& in) {
  if (in.sat || in.relu || in.ftz) return nullptr;
  if (in.t == T_TF32 && in.t2 == T_F32 && in.rnd == RNA)
    return lanes(in, [](u32 u) {
      u32 magnitude = u & 0x7fffffff, r = (u + 0x1000) & ~0x1fffu;
      r = magnitude >= 0x7f800000 ? u : r;
      return magnitude > 0x7f800000 ? 0x7fffffffu : r;
    });
  if (in.t == T_F64 && in.t2 == T_F32) return lanes(in, [](float a) { return (double)a; });
  if (in.t2 == T_F32) return in.rnd == RN ? from_f32(in) : nullptr;
  if (in.t == T_F32) return to_f32(in);
  return in.t2 == T_F64 ? nullptr : between_integers(in);
}

}  // namespace ptxi
