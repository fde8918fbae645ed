// Operands of arithmetic, comparisons, moves and conversions.
#include <map>
#include <string>

#include "operands.h"

namespace ptxi {

using std::map;
using std::string;

bool Operands::comparison() {
  switch (in.op) {
    case O_setp:
    case O_set: {
      need(3);
      static const auto& cmp =
          *new map<string, int>{{"eq", 0},  {"ne", 1},  {"lt", 2},   {"le", 3},   {"gt", 4},   {"ge", 5},
                                {"lo", 2},  {"ls", 3},  {"hi", 4},   {"hs", 5},   {"equ", 6},  {"neu", 7},
                                {"ltu", 8}, {"leu", 9}, {"gtu", 10}, {"geu", 11}, {"num", 12}, {"nan", 13}};
      auto c = cmp.find(mods.empty() ? "" : mods[0]);
      if (c == cmp.end()) fail("unknown comparison");
      in.cmp = (u8)c->second;
      for (size_t i = 1; i < mods.size(); i++)
        in.bop = mods[i] == "and" ? 1 : mods[i] == "or" ? 2 : mods[i] == "xor" ? 3 : in.bop;
      if (in.op == O_setp) in.t2 = in.t;
      dst(a[0], in.op == O_setp ? RC_PRED : ct);
      srcs(1, {in.t2, in.t2, T_PRED});
      break;
    }
    default:
      return false;
  }
  return true;
}

bool Operands::bits() {
  switch (in.op) {
    case O_shf:
      need(4);
      in.mode = (u8)(has("r") | has("clamp") << 1);
      dst(a[0], RC_32);
      srcs(1, {T_B32, T_B32, T_B32});
      break;
    case O_prmt: {
      need(4);
      static const char* const names[] = {"f4e", "b4e", "rc8", "ecl", "ecr", "rc16"};
      for (u8 q = 0; q < 6; q++)
        if (has(names[q])) in.mode = PRMT_F4E + q;
      dst(a[0], RC_32);
      srcs(1, {T_B32, T_B32, T_B32});
      break;
    }
    case O_fns:
      need(4);
      dst(a[0], RC_32);
      srcs(1, {T_B32, T_U32, T_S32});
      break;
    case O_vabsdiff2:
    case O_vabsdiff4:
      need(4);
      if (in.sat) fail("unsupported modifier .sat");
      in.mode = has("add");
      dst(a[0], RC_32);
      srcs(1, {T_U32, T_U32, T_U32});
      break;
    case O_shl:
    case O_shr:
      need(3);
      dst(a[0], ct);
      srcs(1, {in.t, T_B32});
      break;
    case O_bfe:
      need(4);
      dst(a[0], ct);
      srcs(1, {in.t, T_B32, T_B32});
      break;
    case O_bfi:
      need(5);
      dst(a[0], ct);
      srcs(1, {in.t, in.t, T_B32, T_B32});
      break;
    case O_bmsk:
    case O_szext:
      need(3);
      in.mode = has("wrap");
      dst(a[0], RC_32);
      srcs(1, {T_B32, T_B32});
      break;
    case O_lop3:
      need(5);
      dst(a[0], RC_32);
      srcs(1, {T_B32, T_B32, T_B32, T_B32});
      break;
    case O_popc:
    case O_clz:
    case O_bfind:
      need(2);
      dst(a[0], RC_32);
      src(a[1], in.t);
      in.mode = has("shiftamt");
      break;
    default:
      return false;
  }
  return true;
}

bool Operands::moves() {
  switch (in.op) {
    case O_cvta:
      need(2);
      in.to = has("to");
      dst(a[0], ct);
      src(a[1], in.t);
      break;
    case O_isspacep:
      need(2);
      dst(a[0], RC_PRED);
      src(a[1], T_B64);
      break;
    case O_mov: {
      need(2);
      size_t nd = a[0][0] == '{' ? split(a[0], ',').size() : 1, n2 = 1;
      if (a[0][0] == '{') nd = split(a[0].substr(1, a[0].size() - 2), ',').size();
      if (a[1][0] == '{') n2 = split(a[1].substr(1, a[1].size() - 2), ',').size();
      dst(a[0], class_of_bits(type_bits(in.t) / (int)nd));
      src(a[1], n2 > 1 ? bits_type(type_bits(in.t) / (int)n2) : in.t);
      break;
    }
    case O_cvt:
      need(2);
      dst(a[0], ct);
      srcs(1, {in.t2, in.t2});
      break;
    case O_selp:
      need(4);
      dst(a[0], ct);
      srcs(1, {in.t, in.t, T_PRED});
      break;
    case O_slct:
      need(4);
      dst(a[0], ct);
      srcs(1, {in.t, in.t, in.t2});
      break;
    case O_testp: {
      need(2);
      static const char* const names[] = {"finite",     "infinite", "number",
                                          "notanumber", "normal",   "subnormal"};
      for (u8 q = 0; q < 6; q++)
        if (has(names[q])) in.mode = q;
      dst(a[0], RC_PRED);
      src(a[1], in.t);
      break;
    }
    default:
      return false;
  }
  return true;
}

// Sources are of the type of the instruction; the sum in a .wide instruction, and its result, of twice its
// size.
void Operands::arithmetic() {
  need(2);
  in.carry_in = in.op == O_addc || in.op == O_subc || in.op == O_madc;
  if (in.op == O_div && in.t == T_F32 && (has("approx") || has("full"))) in.mode = 1;
  if (in.wide) in.hi = false;
  const Type sum = in.wide ? bits_type(type_bits(in.t) * 2) : in.t;
  dst(a[0], class_of_bits(type_bits(sum)));
  srcs(1, {in.t, in.t, sum, in.t});
}

}  // namespace ptxi
