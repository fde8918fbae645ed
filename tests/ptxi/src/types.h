// The types and state spaces of PTX, and the integers that hold their values.
#pragma once

#include <cstdint>
#include <string>

namespace ptxi {

using u8 = uint8_t;
using u16 = uint16_t;
using u32 = uint32_t;
using i32 = int32_t;
using u64 = uint64_t;
using i64 = int64_t;

enum Type : u8 {
  T_NONE,
  T_PRED,
  T_B8,
  T_U8,
  T_S8,
  T_B16,
  T_U16,
  T_S16,
  T_B32,
  T_U32,
  T_S32,
  T_B64,
  T_U64,
  T_S64,
  T_F16,
  T_BF16,
  T_F32,
  T_F64,
  T_F16X2,
  T_BF16X2,
  T_TF32,
  T_B128
};
enum Scope : u8 { IN_BLOCK, ON_DEVICE };  // .cta and .cluster; .gpu and .sys
// ld.global.nc; other accesses, by strength in PTX's memory consistency model.
enum AccessKind : u8 { READ_ONLY, WEAK, STRONG_IN_BLOCK, STRONG_ON_DEVICE };
enum Space : u8 { SP_GENERIC, SP_GLOBAL, SP_SHARED, SP_LOCAL, SP_PARAM, SP_CONST };

int type_bits(Type t);
Type parse_type(const std::string& s);
Type bits_type(int bits);  // .b8, .b16, ...
inline bool is_signed(Type t) {
  return t == T_S8 || t == T_S16 || t == T_S32 || t == T_S64;
}

// Generic address windows. Shared addresses start at kSharedStart so that 0 is never valid.
constexpr u64 kSharedWindow = 1ull << 56, kLocalWindow = 2ull << 56, kParamWindow = 3ull << 56;
constexpr u64 kSharedStart = 1024;

}  // namespace ptxi
