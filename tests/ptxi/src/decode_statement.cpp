// One statement of a body: a declaration, or an instruction with its modifiers and operands.

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <unordered_map>

#include "mutants.h"
#include "operands.h"
#include "options.h"

namespace ptxi {

using std::string;
using std::vector;

static const std::unordered_map<string, Op>& op_table() {
  static const auto& t = *[] {
    auto& m = *new std::unordered_map<string, Op>;
    auto put = [&](string s, Op o) {
      if (s.back() == '_') s.pop_back();
      m[s] = o;
    };
#define X(n) put(#n, O_##n);
    PTXI_OPS(X)
#undef X
    m.erase("vprintf");
    m.erase("assertfail");
    return &m;
  }();
  return t;
}

void Decoder::location(const string& s) {
  Place place;
  called_from = {};
  sscanf(s.c_str(), "%d %d %d", &place.file, &place.line, &place.column);
  const size_t at = s.find("inlined_at");
  if (at != string::npos)
    sscanf(s.c_str() + at + 10, "%d %d %d", &called_from.file, &called_from.line, &called_from.column);
  // Of a function that is inlined in itself, the call from outside is kept.
  Place from = called_from;
  while (from.line && from != place) from = caller(from);
  if (from != place) callers[place] = called_from;
  loc.file = place.file, loc.src_line = place.line;
  name_place();
}

void Decoder::directive(const string& s) {
  if (s.compare(0, 4, ".loc") == 0 && isspace(s[4])) {
    location(s.substr(4));
  } else if (s.compare(0, 14, ".branchtargets") == 0) {
    vector<string>& targets = branch_targets[resolve_label(last_label)];
    targets.clear();
    for (auto& x : split(s.substr(14), ',')) targets.push_back(resolve_label(x));
  } else if (s.compare(0, 7, ".pragma") != 0 && s.compare(0, 5, ".file") != 0 &&
             s.find(".callprototype") == string::npos) {
    declare(s);
  }
}

// Takes a predicate (@%p, @!%p) off the statement.
void Decoder::predicate(string& s, Instruction& in) {
  if (s[0] != '@') return;
  const size_t e = s.find_first_of(" \t");
  in.pred_neg = s[1] == '!';
  const string name = s.substr(in.pred_neg ? 2 : 1, e - (in.pred_neg ? 2 : 1));
  Ref* r = lookup(regs, name);
  if (!r) fail("unknown predicate " + name);
  in.pred = (i32)r->word();
  s = trim(s.substr(e));
}

// Modifiers common to many instructions; returns the types among them.
static vector<Type> modify(Instruction& in, const vector<string>& mods) {
  static const auto& rounding = *new std::unordered_map<string, int>{
      {"rn", RN},   {"rz", RZ},   {"rm", RM},   {"rp", RP},  {"rni", RNI},
      {"rzi", RZI}, {"rmi", RMI}, {"rpi", RPI}, {"rna", RNA}};
  vector<Type> types;
  for (auto& x : mods) {
    Type t = parse_type(x);
    if (t != T_NONE) types.push_back(t);
    auto q = rounding.find(x);
    if (q != rounding.end()) in.rnd = (u8)q->second;
    if (x == "ftz")
      in.ftz = true;
    else if (x == "sat")
      in.sat = true;
    else if (x == "wide")
      in.wide = true;
    else if (x == "hi")
      in.hi = true;
    else if (x == "NaN")
      in.nan = true;
    else if (x == "relu")
      in.relu = true;
    else if (x == "cc")
      in.carry_out = true;
    else if (x == "v2")
      in.vec = 2;
    else if (x == "v4")
      in.vec = 4;
    else if (x == "global")
      in.sp = SP_GLOBAL;
    else if (x == "shared" || x == "shared::cta" || x == "shared::cluster")
      in.sp = SP_SHARED;
    else if (x == "local")
      in.sp = SP_LOCAL;
    else if (x == "param" || x == "param::entry" || x == "param::func")
      in.sp = SP_PARAM;
    else if (x == "const")
      in.sp = SP_CONST;
    else if (x == "nc")
      in.access = READ_ONLY;
    else if (x == "volatile" || x == "relaxed" || x == "acquire" || x == "release")
      in.access = STRONG_ON_DEVICE;
    else if (x == "u16x2" || x == "s16x2" || x == "pack" || x == "xorsign" || x == "v8" || x == "oob" ||
             x == "multimem")
      fail("unsupported modifier ." + x);
    else if (x == "satfinite" && in.op != O_cvt)
      fail("unsupported modifier .satfinite");
    if (x == "acquire" || x == "acq_rel") in.acquire = true;
    if (x == "release" || x == "acq_rel") in.release = true;
    if (x == "volatile") in.is_volatile = true;
    if (x == "cta" || x == "cluster") in.scope = IN_BLOCK;  // a block without others is a cluster
  }
  if (!types.empty()) {
    in.t = types.back();
    in.t2 = types.size() > 1 ? types[types.size() - 2] : in.t;
  }
  if (in.op == O_cvt || in.op == O_set || in.op == O_slct) {
    if (types.size() < 2) fail("missing type");
    in.t = types[types.size() - 2];
    in.t2 = types.back();
    if (in.op == O_cvt && std::find(mods.begin(), mods.end(), "satfinite") != mods.end())
      fail("unsupported modifier .satfinite");
  }
  return types;
}

void Decoder::statement(const Stmt& st) {
  string s = st.s;
  if (s[0] == '.') return directive(s);
  Instruction in;
  predicate(s, in);
  size_t e = s.find_first_of(" \t");
  string full = s.substr(0, e);
  vector<string> a = e == string::npos ? vector<string>() : split(s.substr(e), ',');
  vector<string> mods = split(full, '.');
  string name = mods[0];
  mods.erase(mods.begin());
  if (name == "call") {
    call(st, in, a);
    return;
  }
  auto it = op_table().find(name);
  if (it == op_table().end()) fail("unsupported instruction");
  in.op = it->second;
  const vector<Type> types = modify(in, mods);
  Operands o(*this, in, a, mods, types);
  if (!o.control() && !o.memory() && !o.comparison() && !o.barrier() && !o.matrix() && !o.warp() &&
      !o.bits() && !o.moves())
    o.arithmetic();
  if (in.access > WEAK || in.op == O_atom || in.op == O_red)
    in.access = in.scope == ON_DEVICE ? STRONG_ON_DEVICE : STRONG_IN_BLOCK;
  k.fences |= in.acquire || in.release;
  k.strong |= in.access > WEAK;
  k.shared_flags |= in.access > WEAK && (in.sp == SP_SHARED || in.sp == SP_GENERIC);
  in.cls = classify(in);
  select_handler(in);
  if (!options().mutate.empty())
    mutate(in, k,
           loc.place.empty()    ? "ptx:" + std::to_string(st.line)
           : loc.caller.empty() ? loc.place
                                : loc.place + "@" + loc.caller);
  emit(in, st.s, st.line);
}

}  // namespace ptxi
