// Calls, which are expanded in place.
#include <algorithm>
#include <cstring>

#include "decoder.h"

namespace ptxi {

using std::map;
using std::string;
using std::vector;

// More than any kernel has that is not made of calls that call.
constexpr u64 kMostInstructions = 1000000;

const vector<Stmt>& Decoder::body_of(const string& fn) {
  auto [b, added] = bodies.try_emplace(fn);
  const Function& f = m.funcs.at(fn);
  if (added) b->second = split_statements(f.body, f.line);
  return b->second;
}

// The function that a statement calls, or "".
static string callee(const string& s) {
  const size_t op = s[0] == '@' ? s.find_first_not_of(" \t", s.find_first_of(" \t")) : 0;
  if (op == string::npos || s.compare(op, 4, "call") != 0) return "";
  const size_t operands = s.find_first_of(" \t", op);
  if (operands == string::npos) return "";
  for (const string& o : split(s.substr(operands), ','))
    if (o[0] != '(') return o;
  return "";
}

// At most just more than a kernel may have, for it can grow exponentially. What a recursive function expands
// to is no matter.
u64 Decoder::expanded_size(const string& fn) {
  if (!m.funcs.count(fn)) return 0;
  auto [size, added] = sizes.try_emplace(fn, 0);
  if (!added) return size->second;
  u64 n = 0;
  for (const Stmt& s : body_of(fn)) {
    if (s.s.empty() || strchr(".{}", s.s[0]) || s.s.back() == ':') continue;
    n = std::min(n + 1 + expanded_size(callee(s.s)), kMostInstructions + 1);
  }
  return sizes[fn] = n;
}

void Decoder::call(const Stmt& st, Instruction in, const vector<string>& a) {
  vector<string> rets, args;
  size_t i = 0;
  if (a[0][0] == '(') {
    rets = split(a[0].substr(1, a[0].size() - 2), ',');
    i = 1;
  }
  string fn = a[i++];
  if (i < a.size() && a[i][0] == '(') args = split(a[i].substr(1, a[i].size() - 2), ',');
  if (fn == "vprintf" || fn == "__assertfail") {
    in.op = fn == "vprintf" ? O_vprintf_ : O_assertfail_;
    for (auto& x : args) {
      Var* v = find_var(x);
      if (!v) fail("unknown argument " + x);
      in.s[in.ns++] = const_ref(v->addr, RC_64);
    }
    select_handler(in);
    emit(in, st.s, st.line);
    return;
  }
  auto f = m.funcs.find(fn);
  if (f == m.funcs.end() || f->second.body.empty())
    fail("call of an unknown function (indirect calls are not supported)");
  if (std::find(calling.begin(), calling.end(), fn) != calling.end())
    fail("recursive functions are not supported");
  if (k.code.size() + expanded_size(fn) > kMostInstructions)
    fail("a kernel of more than " + std::to_string(kMostInstructions) +
         " instructions, with its calls expanded in place, is not supported");
  string skip;
  if (in.pred >= 0) {  // @p call: branch around the body
    Instruction j = in;
    j.op = O_bra;
    j.cls = C_BRANCH;
    j.pred_neg = !in.pred_neg;
    skip = "skip@" + std::to_string(unique++);
    fix_bra.push_back({(int)k.code.size(), skip});
    emit(j, st.s, st.line);
  }
  string saved = ret_label;
  const SrcLoc saved_loc = loc;
  const Place saved_called_from = called_from;
  ret_label = "ret@" + std::to_string(unique++);
  map<string, Var> bound;
  auto bind = [&](const vector<string>& formal, const vector<string>& actual) {
    for (size_t q = 0; q < formal.size(); q++) {
      string n;
      u64 al;
      parse_decl(formal[q], n, al);
      Var* v = q < actual.size() ? find_var(actual[q]) : nullptr;
      if (!v) fail("unknown argument of " + fn);
      bound[n] = *v;
    }
  };
  bind(f->second.rets, rets);
  bind(f->second.params, args);
  vars.push_back(bound);
  calling.push_back(fn);
  body(body_of(fn));
  calling.pop_back();
  vars.pop_back();
  label_pc[ret_label] = (int)k.code.size();
  if (!skip.empty()) label_pc[skip] = (int)k.code.size();
  ret_label = saved;
  loc = saved_loc;
  called_from = saved_called_from;
}

}  // namespace ptxi
