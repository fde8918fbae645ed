// Operands: registers, constants, addresses.
#include <cstdlib>
#include <cstring>
#include <functional>
#include <sstream>

#include "decoder.h"
#include "special_registers.h"

namespace ptxi {

using std::map;
using std::string;
using std::vector;

Ref Decoder::new_reg(int bits) {
  if (bits > 64) fail("128-bit registers are not supported");
  RegClass c = class_of_bits(bits);
  if (c == RC_PRED) {
    if (pred_next == pred_end) {
      pred_next = words;
      words += 32;
      pred_end = words;
    }
    return Ref(pred_next++, c, false);
  }
  Ref r(words, c, false);
  words += c == RC_64 ? 64 : 32;
  return r;
}

Ref Decoder::const_ref(u64 v, RegClass c) {
  auto key = std::make_pair(v, (int)c);
  auto i = consts.find(key);
  if (i != consts.end()) return i->second;
  Ref r((u32)pool.size(), c, true);
  if (c == RC_64) {
    for (int l = 0; l < 32; l++) {
      pool.push_back((u32)v);
      pool.push_back((u32)(v >> 32));
    }
  } else if (c == RC_PRED) {
    pool.resize(pool.size() + 32, v & 1 ? ~0u : 0);
  } else {
    pool.resize(pool.size() + 32, c == RC_16 ? (u32)(u16)v : (u32)v);
  }
  return consts[key] = r;
}

// The address of the dynamic shared memory is known only when the whole body was read.
Ref Decoder::dyn_const(i64 off, RegClass c) {
  Ref r((u32)pool.size(), c, true);
  pool.resize(pool.size() + 64);
  dyn_consts.push_back({r.v, off});
  return r;
}

Var* Decoder::find_var(const string& n) {
  if (Var* v = lookup(vars, n)) return v;
  auto g = m.globals.find(n);
  return g == m.globals.end() ? nullptr : &g->second;
}

string Decoder::resolve_label(const string& n) {
  string* l = lookup(labels, n);
  return l ? *l : n;
}

// A register, or "_": none.
Ref Decoder::destination(const string& s0, RegClass want) {
  const string s = trim(s0);
  if (s == "_") return new_reg(want == RC_64 ? 64 : want == RC_PRED ? 1 : 32);
  if (Ref* r = lookup(regs, s)) return *r;
  fail("unknown register '" + s + "'");
}

// What follows the "+" of "name+16"; takes it off the name.
static i64 take_offset(string& s) {
  const size_t plus = s.find('+');
  if (plus == string::npos) return 0;
  const i64 offset = (i64)constant(trim(s.substr(plus + 1)), T_S64);
  s = trim(s.substr(0, plus));
  return offset;
}

Ref Decoder::operand(const string& s0, Type use) {
  string s = trim(s0);
  const RegClass want = class_of_bits(type_bits(use));
  if (s == "_") return new_reg(want == RC_64 ? 64 : want == RC_PRED ? 1 : 32);
  if (is_constant(s)) return const_ref(constant(s, use), want);
  if (Ref* r = lookup(regs, s)) return *r;
  int sr = special_register(s);
  if (sr >= 0) {
    auto key = std::make_pair(sr, (int)(want == RC_64 ? RC_64 : RC_32));
    auto i = sreg_refs.find(key);
    if (i != sreg_refs.end()) return i->second;
    Ref r = new_reg(want == RC_64 ? 64 : 32);
    k.sregs.push_back({r, sr});
    return sreg_refs[key] = r;
  }
  const i64 off = take_offset(s);
  Var* x = find_var(s);
  if (!x) fail("unknown operand '" + s + "'");
  if (x->dyn) return dyn_const(off, want);
  return const_ref(x->addr + off, want);
}

// "[reg+off]", "[symbol+off]", "[imm]"
void Decoder::address(const string& s0, Ref& base, i64& off, Space& sp) {
  string s = trim(s0);
  if (s.empty() || s[0] != '[') fail("expected an address: " + s);
  s = trim(s.substr(1, s.rfind(']') - 1));
  off = 0;
  if (is_constant(s)) {
    base = const_ref(constant(s, T_U64), RC_64);
    return;
  }
  off = take_offset(s);
  if (Ref* r = lookup(regs, s)) {
    base = *r;
    return;
  }
  Var* x = find_var(s);
  if (!x) fail("unknown symbol '" + s + "'");
  if (sp == SP_PARAM || sp == SP_GENERIC) sp = x->sp;
  base = x->dyn ? dyn_const(0, RC_64) : const_ref(x->addr, RC_64);
}

}  // namespace ptxi
