#include "operands.h"

#include <algorithm>

namespace ptxi {

using std::string;
using std::vector;

Operands::Operands(Decoder& decoder, Instruction& instruction, const vector<string>& operands,
                   const vector<string>& modifiers, const vector<Type>& type_modifiers)
    : d(decoder),
      in(instruction),
      a(operands),
      mods(modifiers),
      types(type_modifiers),
      ct(class_of_bits(type_bits(in.t))),
      tb(type_bits(in.t) / 8) {}

bool Operands::has(const char* modifier) const {
  return std::find(mods.begin(), mods.end(), modifier) != mods.end();
}

void Operands::dst(const string& x0, RegClass c) {
  string x = trim(x0);
  auto push = [&](const string& y) {
    if (in.nd >= 8) fail("too many destinations");
    in.d[in.nd++] = d.destination(y, c);
  };
  size_t bar = x.find('|');
  if (x[0] == '{') {
    for (auto& z : split(x.substr(1, x.rfind('}') - 1), ',')) push(z);
  } else if (bar != string::npos) {
    push(x.substr(0, bar));
    in.d[in.nd++] = d.destination(x.substr(bar + 1), RC_PRED);
  } else {
    push(x);
  }
}

void Operands::src(const string& x0, Type t) {
  string x = trim(x0);
  auto push = [&](const string& y) {
    if (in.ns >= 16) fail("too many sources");
    in.s[in.ns++] = d.operand(y, t);
  };
  if (x[0] == '{') {
    for (auto& z : split(x.substr(1, x.rfind('}') - 1), ',')) push(z);
    return;
  }
  if (t == T_PRED && x[0] == '!') {
    if (in.op == O_and_ || in.op == O_or_ || in.op == O_xor_ || in.op == O_not_ || in.op == O_mov)
      fail("a negated predicate is not supported here");
    in.src_neg = true;
    x = trim(x.substr(1));
  }
  push(x);
}

void Operands::need(size_t n) const {
  if (a.size() < n) fail("missing operands");
}

void Operands::srcs(size_t from, std::initializer_list<Type> types) {
  size_t i = from;
  for (Type t : types)
    if (i < a.size()) src(a[i++], t);
}

void Operands::access(int bytes) {
  if (in.sp == SP_SHARED || in.sp == SP_GENERIC) d.min_access = std::min(d.min_access, bytes);
  if (in.sp == SP_GLOBAL || in.sp == SP_GENERIC) d.min_global_access = std::min(d.min_global_access, bytes);
}

}  // namespace ptxi
