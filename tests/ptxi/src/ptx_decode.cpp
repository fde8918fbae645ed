// Decodes the body of an entry into Kernel::code. Calls are expanded in place.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <mutex>
#include <sstream>

#include "exec.h"
#include "ptx_text.h"

namespace ptxi {

using std::map;
using std::string;
using std::vector;

static const std::unordered_map<string, Op>& op_table() {
  static const std::unordered_map<string, Op> t = [] {
    std::unordered_map<string, Op> m;
    auto put = [&](string s, Op o) {
      if (s.back() == '_') s.pop_back();
      m[s] = o;
    };
#define X(n) put(#n, O_##n);
    PTXI_OPS(X)
#undef X
    m.erase("vprintf");
    m.erase("assertfail");
    return m;
  }();
  return t;
}

static int special_register(const string& n) {
  static const std::unordered_map<string, int> m = {{"%tid.x", SR_TIDX},
                                                    {"%tid.y", SR_TIDY},
                                                    {"%tid.z", SR_TIDZ},
                                                    {"%ntid.x", SR_NTX},
                                                    {"%ntid.y", SR_NTY},
                                                    {"%ntid.z", SR_NTZ},
                                                    {"%ctaid.x", SR_CTX},
                                                    {"%ctaid.y", SR_CTY},
                                                    {"%ctaid.z", SR_CTZ},
                                                    {"%nctaid.x", SR_NCX},
                                                    {"%nctaid.y", SR_NCY},
                                                    {"%nctaid.z", SR_NCZ},
                                                    {"%laneid", SR_LANE},
                                                    {"%warpid", SR_WARP},
                                                    {"%nwarpid", SR_NWARP},
                                                    {"%lanemask_eq", SR_LEQ},
                                                    {"%lanemask_lt", SR_LLT},
                                                    {"%lanemask_le", SR_LLE},
                                                    {"%lanemask_ge", SR_LGE},
                                                    {"%lanemask_gt", SR_LGT},
                                                    {"%clock", SR_CLOCK},
                                                    {"%clock_hi", SR_ZERO},
                                                    {"%clock64", SR_CLOCK},
                                                    {"%globaltimer", SR_CLOCK},
                                                    {"%globaltimer_lo", SR_CLOCK},
                                                    {"%globaltimer_hi", SR_ZERO},
                                                    {"%smid", SR_SMID},
                                                    {"%nsmid", SR_NSMID},
                                                    {"%gridid", SR_GRID},
                                                    {"%dynamic_smem_size", SR_DSMEM},
                                                    {"%total_smem_size", SR_TSMEM},
                                                    {"WARP_SZ", SR_WSZ},
                                                    {"%envreg1", SR_GRIDWS_HI},
                                                    {"%envreg2", SR_GRIDWS_LO},
                                                    {"%cluster_ctaid.x", SR_ZERO},
                                                    {"%cluster_ctaid.y", SR_ZERO},
                                                    {"%cluster_ctaid.z", SR_ZERO},
                                                    {"%cluster_ctarank", SR_ZERO},
                                                    {"%cluster_nctarank", SR_ONE},
                                                    {"%cluster_nctaid.x", SR_ONE},
                                                    {"%cluster_nctaid.y", SR_ONE},
                                                    {"%cluster_nctaid.z", SR_ONE}};
  auto i = m.find(n);
  return i == m.end() ? -1 : i->second;
}

static bool has(const vector<string>& v, const char* s) {
  return std::find(v.begin(), v.end(), s) != v.end();
}

static RegClass class_of_bits(int b) {
  return b == 1 ? RC_PRED : b <= 16 ? RC_16 : b <= 32 ? RC_32 : RC_64;
}

namespace {

struct Builder {
  Module& m;
  Kernel& k;
  // Scopes: registers, variables and labels (labels are made unique per scope).
  vector<map<string, Ref>> regs;
  vector<map<string, Var>> vars;
  vector<map<string, string>> labels;
  map<string, int> label_pc;
  map<string, vector<string>> branch_targets;
  vector<std::pair<int, string>> fix_bra;          // instruction, label
  vector<std::pair<int, vector<string>>> fix_brx;  // instruction, labels
  map<std::pair<u64, int>, Ref> consts;
  vector<u32> pool;
  vector<std::pair<u32, i64>> dyn_consts;  // pool word (64-bit), offset from the dynamic base
  map<std::pair<int, int>, Ref> sreg_refs;
  string last_label, ret_label;
  int unique = 0, depth = 0;
  u32 words = 0, pred_next = 0, pred_end = 0;
  SrcLoc loc;
  int min_access = 16;

  Builder(Module& mm, Kernel& kk) : m(mm), k(kk) {}

  Ref new_reg(int bits) {
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
  Ref const_ref(u64 v, RegClass c) {
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
  Ref dyn_const(i64 off, RegClass c) {
    Ref r((u32)pool.size(), c, true);
    pool.resize(pool.size() + 64);
    dyn_consts.push_back({r.v, off});
    return r;
  }
  template <class T>
  T* lookup(vector<map<string, T>>& scopes, const string& n) {
    for (size_t i = scopes.size(); i-- > 0;) {
      auto f = scopes[i].find(n);
      if (f != scopes[i].end()) return &f->second;
    }
    return nullptr;
  }
  Var* find_var(const string& n) {
    if (Var* v = lookup(vars, n)) return v;
    auto g = m.globals.find(n);
    return g == m.globals.end() ? nullptr : &g->second;
  }
  string resolve_label(const string& n) {
    string* l = lookup(labels, n);
    return l ? *l : n;
  }

  Ref operand(const string& s0, RegClass want) {
    string s = trim(s0);
    if (s == "_") return new_reg(want == RC_64 ? 64 : want == RC_PRED ? 1 : 32);
    u64 v;
    if (parse_number(s, v)) return const_ref(v, want);
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
    i64 off = 0;
    size_t p = s.find('+');
    if (p != string::npos) {
      off = strtoll(s.c_str() + p + 1, nullptr, 0);
      s = trim(s.substr(0, p));
    }
    Var* x = find_var(s);
    if (!x) fail("unknown operand '" + s + "'");
    if (x->dyn) return dyn_const(off, want);
    return const_ref(x->addr + off, want);
  }

  // "[reg+off]", "[symbol+off]", "[imm]"
  void address(const string& s0, Ref& base, i64& off, Space& sp) {
    string s = trim(s0);
    if (s.empty() || s[0] != '[') fail("expected an address: " + s);
    s = trim(s.substr(1, s.rfind(']') - 1));
    off = 0;
    size_t p = s.find_first_of("+-", 1);
    if (p != string::npos) {
      string o = trim(s.substr(p));
      if (o[0] == '+' && o.size() > 1 && (o[1] == '-' || o[1] == '+')) o = o.substr(1);
      off = strtoll(o.c_str(), nullptr, 0);
      s = trim(s.substr(0, p));
    }
    if (Ref* r = lookup(regs, s)) {
      base = *r;
      return;
    }
    u64 v;
    if (parse_number(s, v)) {
      base = const_ref(v, RC_64);
      return;
    }
    Var* x = find_var(s);
    if (!x) fail("unknown symbol '" + s + "'");
    if (sp == SP_PARAM || sp == SP_GENERIC) sp = x->sp;
    base = x->dyn ? dyn_const(0, RC_64) : const_ref(x->addr, RC_64);
  }

  Var place(Var v) {
    if (v.sp == SP_SHARED) {
      if (v.dyn) return v;
      u64& o = k.shared_static;
      o = (o + v.align - 1) / v.align * v.align;
      v.addr = kSharedStart + o;
      o += v.size;
    } else {
      u64& o = k.local_bytes;
      o = (o + v.align - 1) / v.align * v.align;
      v.addr = o;
      o += v.size;
      v.sp = SP_LOCAL;
    }
    return v;
  }
  void declare(const string& s) {
    if (s.compare(0, 4, ".reg") == 0) {
      std::istringstream is(s.substr(4));
      string t, rest;
      is >> t;
      if (t == ".v2" || t == ".v4") fail("vector registers are not supported: " + s);
      getline(is, rest);
      int w = type_bits(parse_type(t.substr(1)));
      for (auto& n : split(rest, ',')) {
        size_t p = n.find('<');
        if (p == string::npos) {
          regs.back()[n] = new_reg(w);
          continue;
        }
        string b = n.substr(0, p);
        int c = atoi(n.c_str() + p + 1);
        for (int i = 0; i < c; i++) regs.back()[b + std::to_string(i)] = new_reg(w);
      }
      return;
    }
    Var v;
    if (parse_variable(s, v)) vars.back()[v.name] = place(v);
  }

  void emit(Inst in, const string& text, int line) {
    loc.line = line;
    k.code.push_back(in);
    k.text.push_back(text);
    k.loc.push_back(loc);
  }

  // A function body: nested scopes with their own registers, variables and labels.
  void body(const vector<Stmt>& b) {
    size_t i = 0;
    std::function<void()> scope = [&] {
      map<string, string> here;
      int d = 0;
      for (size_t j = i; j < b.size(); j++) {
        if (b[j].s == "{") {
          d++;
        } else if (b[j].s == "}") {
          if (d-- == 0) break;
        } else if (d == 0 && !b[j].s.empty() && b[j].s.back() == ':') {
          string n = b[j].s.substr(0, b[j].s.size() - 1);
          here[n] = n + "@" + std::to_string(unique++);
        }
      }
      labels.push_back(here);
      regs.emplace_back();
      vars.emplace_back();
      while (i < b.size()) {
        const Stmt& s = b[i++];
        if (s.s == "{") {
          scope();
        } else if (s.s == "}") {
          break;
        } else if (s.s.empty()) {
          continue;
        } else if (s.s.back() == ':') {
          last_label = s.s.substr(0, s.s.size() - 1);
          label_pc[resolve_label(last_label)] = (int)k.code.size();
        } else {
          try {
            statement(s);
          } catch (Fault& f) {
            if (strstr(f.what(), "(PTX line")) throw;
            fail(string(f.what()) + " (PTX line " + std::to_string(s.line) + ": " + s.s + ")");
          }
        }
      }
      labels.pop_back();
      regs.pop_back();
      vars.pop_back();
    };
    scope();
  }

  void call(const Stmt& st, Inst in, const vector<string>& a) {
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
      select_handler(k, in);
      emit(in, st.s, st.line);
      return;
    }
    auto f = m.funcs.find(fn);
    if (f == m.funcs.end() || f->second.body.empty())
      fail("call of an unknown function (indirect calls are not supported)");
    if (++depth > 24) fail("recursive functions are not supported");
    string skip;
    if (in.pred >= 0) {  // @p call: branch around the body
      Inst j = in;
      j.op = O_bra;
      j.cls = C_BRANCH;
      j.pred_neg = !in.pred_neg;
      skip = "skip@" + std::to_string(unique++);
      fix_bra.push_back({(int)k.code.size(), skip});
      emit(j, st.s, st.line);
    }
    string saved = ret_label;
    SrcLoc saved_loc = loc;
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
    body(split_statements(f->second.body, f->second.line));
    vars.pop_back();
    label_pc[ret_label] = (int)k.code.size();
    if (!skip.empty()) label_pc[skip] = (int)k.code.size();
    ret_label = saved;
    loc = saved_loc;
    depth--;
  }

  void statement(const Stmt& st);
  void finish();
};

InstClass classify(const Inst& in) {
  auto by_type = [&](Type t) {
    switch (t) {
      case T_F32:
        return C_FP32;
      case T_F64:
        return C_FP64;
      case T_F16:
      case T_BF16:
      case T_F16X2:
      case T_BF16X2:
        return C_HALF;
      default:
        return C_INT;
    }
  };
  switch (in.op) {
    case O_mov:
    case O_cvta:
      return C_MOV;
    case O_cvt:
      return C_CVT;
    case O_ld:
    case O_ldu:
    case O_st:
    case O_atom:
    case O_red:
    case O_cp:
    case O_ldmatrix:
    case O_stmatrix:
    case O_prefetch:
    case O_prefetchu:
      return C_LDST;
    case O_bra:
    case O_brx:
    case O_ret:
    case O_exit:
      return C_BRANCH;
    case O_mma:
      return C_MMA;
    case O_sqrt:
    case O_rsqrt:
    case O_rcp:
    case O_ex2:
    case O_lg2:
    case O_sin:
    case O_cos:
    case O_tanh:
      return in.t == T_F64 ? C_FP64 : C_SFU;
    case O_div:
      return in.t == T_F32 ? C_SFU : by_type(in.t);
    case O_setp:
    case O_set:
      return by_type(in.t2);
    case O_bar:
    case O_membar:
    case O_fence:
    case O_shfl:
    case O_vote:
    case O_match:
    case O_activemask:
    case O_redux:
    case O_elect:
    case O_movmatrix:
    case O_trap:
    case O_brkpt:
    case O_nanosleep:
    case O_discard:
    case O_createpolicy:
    case O_griddepcontrol:
    case O_applypriority:
    case O_pmevent:
    case O_vprintf_:
    case O_assertfail_:
      return C_OTHER;
    default:
      return by_type(in.t);
  }
}

void Builder::statement(const Stmt& st) {
  string s = st.s;
  if (s[0] == '.') {
    if (s.compare(0, 4, ".loc") == 0 && isspace(s[4])) {
      sscanf(s.c_str() + 4, "%d %d", &loc.file, &loc.src_line);
    } else if (s.compare(0, 14, ".branchtargets") == 0) {
      vector<string> v;
      for (auto& x : split(s.substr(14), ',')) v.push_back(resolve_label(x));
      branch_targets[resolve_label(last_label)] = v;
    } else if (s.compare(0, 7, ".pragma") == 0 || s.compare(0, 5, ".file") == 0 ||
               s.find(".callprototype") != string::npos) {
    } else {
      declare(s);
    }
    return;
  }
  Inst in;
  if (s[0] == '@') {
    size_t e = s.find_first_of(" \t");
    string p = s.substr(1, e - 1);
    if (p[0] == '!') {
      in.pred_neg = true;
      p = p.substr(1);
    }
    Ref* r = lookup(regs, p);
    if (!r) fail("unknown predicate " + p);
    in.pred = (i32)r->word();
    s = trim(s.substr(e));
  }
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

  // Modifiers common to many instructions
  vector<Type> types;
  static const map<string, int> rounding = {{"rn", RN},   {"rz", RZ},   {"rm", RM},
                                            {"rp", RP},   {"rni", RNI}, {"rzi", RZI},
                                            {"rmi", RMI}, {"rpi", RPI}, {"rna", RNA}};
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
    else if (x == "volatile" || x == "relaxed" || x == "acquire")
      in.is_volatile = true;
    else if (x == "xorsign" || x == "v8" || x == "oob" || x == "multimem")
      fail("unsupported modifier ." + x);
    else if (x == "satfinite" && in.op != O_cvt)
      fail("unsupported modifier .satfinite");
    if (x == "acquire" || x == "release" || x == "acq_rel") in.acq_rel = true;
  }
  if (!types.empty()) {
    in.t = types.back();
    in.t2 = types.size() > 1 ? types[types.size() - 2] : in.t;
  }
  if (in.op == O_cvt || in.op == O_set || in.op == O_slct) {
    if (types.size() < 2) fail("missing type");
    in.t = types[types.size() - 2];
    in.t2 = types.back();
    if (in.op == O_cvt && has(mods, "satfinite")) fail("unsupported modifier .satfinite");
  }
  const RegClass ct = class_of_bits(type_bits(in.t)), ct2 = class_of_bits(type_bits(in.t2));

  auto dst = [&](const string& x0, RegClass c) {
    string x = trim(x0);
    auto push = [&](const string& y) {
      if (in.nd >= 8) fail("too many destinations");
      in.d[in.nd++] = operand(y, c);
    };
    size_t bar = x.find('|');
    if (x[0] == '{') {
      for (auto& z : split(x.substr(1, x.rfind('}') - 1), ',')) push(z);
    } else if (bar != string::npos) {
      push(x.substr(0, bar));
      in.d[in.nd++] = operand(x.substr(bar + 1), RC_PRED);
    } else {
      push(x);
    }
  };
  auto src = [&](const string& x0, RegClass c) {
    string x = trim(x0);
    auto push = [&](const string& y) {
      if (in.ns >= 16) fail("too many sources");
      in.s[in.ns++] = operand(y, c);
    };
    if (x[0] == '{') {
      for (auto& z : split(x.substr(1, x.rfind('}') - 1), ',')) push(z);
      return;
    }
    if (x[0] == '!') {
      in.src_neg = true;
      x = trim(x.substr(1));
    }
    push(x);
  };
  auto need = [&](size_t n) {
    if (a.size() < n) fail("missing operands");
  };
  auto srcs = [&](size_t from, std::initializer_list<RegClass> cs) {
    size_t i = from;
    for (RegClass c : cs)
      if (i < a.size()) src(a[i++], c);
  };
  auto access = [&](int bytes) {
    if (in.sp == SP_SHARED || in.sp == SP_GENERIC) min_access = std::min(min_access, bytes);
  };
  const int tb = type_bits(in.t) / 8;

  switch (in.op) {
    case O_bra:
      need(1);
      fix_bra.push_back({(int)k.code.size(), resolve_label(a[0])});
      break;
    case O_brx: {
      need(2);
      src(a[0], RC_32);
      auto q = branch_targets.find(resolve_label(a[1]));
      if (q == branch_targets.end()) fail("unknown branch targets");
      fix_brx.push_back({(int)k.code.size(), q->second});
      break;
    }
    case O_ret:
      if (!ret_label.empty()) {  // the end of an expanded call
        in.op = O_bra;
        fix_bra.push_back({(int)k.code.size(), ret_label});
      }
      break;
    case O_exit:
    case O_membar:
    case O_fence:
    case O_trap:
    case O_brkpt:
    case O_nanosleep:
    case O_prefetch:
    case O_prefetchu:
    case O_discard:
    case O_griddepcontrol:
    case O_applypriority:
    case O_pmevent:
      break;
    case O_createpolicy:
      need(1);
      dst(a[0], RC_64);
      break;
    case O_ld:
    case O_ldu:
      need(2);
      dst(a[0], ct);
      address(a[1], in.base, in.off, in.sp);
      if (in.nd != in.vec) fail("operand count");
      access(tb * in.vec);
      if (in.is_volatile && (in.sp == SP_GLOBAL || in.sp == SP_GENERIC)) k.order_dependent = true;
      break;
    case O_st:
      need(2);
      address(a[0], in.base, in.off, in.sp);
      src(a[1], ct);
      if (in.ns != in.vec) fail("operand count");
      access(tb * in.vec);
      break;
    case O_atom:
    case O_red: {
      bool ret = in.op == O_atom;
      need(ret ? 3 : 2);
      if (ret) dst(a[0], ct);
      address(a[ret ? 1 : 0], in.base, in.off, in.sp);
      for (size_t i = ret ? 2 : 1; i < a.size(); i++) src(a[i], ct);
      static const char* names[] = {"add", "min", "max", "and", "or", "xor", "exch", "cas", "inc", "dec"};
      in.mode = 255;
      for (u8 q = 0; q < 10; q++)
        if (has(mods, names[q])) in.mode = q;
      if (in.mode == 255) fail("unknown atomic operation");
      access(tb);
      if (in.sp != SP_SHARED) k.global_atomics = k.order_dependent = true;
      break;
    }
    case O_setp:
    case O_set: {
      need(3);
      static const map<string, int> cmp = {{"eq", 0},   {"ne", 1},   {"lt", 2},  {"le", 3},  {"gt", 4},
                                           {"ge", 5},   {"lo", 2},   {"ls", 3},  {"hi", 4},  {"hs", 5},
                                           {"equ", 6},  {"neu", 7},  {"ltu", 8}, {"leu", 9}, {"gtu", 10},
                                           {"geu", 11}, {"num", 12}, {"nan", 13}};
      auto c = cmp.find(mods.empty() ? "" : mods[0]);
      if (c == cmp.end()) fail("unknown comparison");
      in.cmp = (u8)c->second;
      for (size_t i = 1; i < mods.size(); i++)
        in.bop = mods[i] == "and" ? 1 : mods[i] == "or" ? 2 : mods[i] == "xor" ? 3 : in.bop;
      if (in.op == O_setp) in.t2 = in.t;
      dst(a[0], in.op == O_setp ? RC_PRED : ct);
      srcs(1, {ct2, ct2, RC_PRED});
      break;
    }
    case O_bar:
    case O_barrier: {
      // mode: 0 sync, 1 warp, 2 arrive, 3 red; n: reduction 1 popc, 2 and, 3 or
      if (has(mods, "cluster")) fail("cluster barriers are not supported");
      in.mode = has(mods, "warp") ? 1 : has(mods, "arrive") ? 2 : has(mods, "red") ? 3 : 0;
      in.n = has(mods, "popc") ? 1 : has(mods, "and") ? 2 : has(mods, "or") ? 3 : 0;
      in.aligned = in.op == O_bar || has(mods, "aligned");
      in.op = O_bar;
      size_t i = 0;
      if (in.mode == 3) dst(a[i++], in.n == 1 ? RC_32 : RC_PRED);
      for (; i < a.size(); i++) src(a[i], in.mode == 3 && i + 1 == a.size() ? RC_PRED : RC_32);
      break;
    }
    case O_cp: {
      // mode: 0 copy, 1 commit_group, 2 wait_group, 3 wait_all
      if (mods.empty() || mods[0] != "async" || has(mods, "bulk") || has(mods, "mbarrier"))
        fail("unsupported instruction");
      if (has(mods, "commit_group")) {
        in.mode = 1;
      } else if (has(mods, "wait_group")) {
        in.mode = 2;
        src(a[0], RC_32);
      } else if (has(mods, "wait_all")) {
        in.mode = 3;
      } else {
        need(3);
        Space d = SP_SHARED, g = SP_GLOBAL;
        address(a[0], in.base, in.off, d);
        address(a[1], in.base2, in.off2, g);
        in.n = (i32)strtol(a[2].c_str(), nullptr, 0);
        if (in.n != 4 && in.n != 8 && in.n != 16) fail("cp.async size");
        if (has(mods, "cg") && in.n != 16) fail("cp.async.cg needs 16 bytes");
        bool hint = has(mods, "L2::cache_hint");
        if (a.size() > (hint ? 4u : 3u)) {
          Ref* r = lookup(regs, trim(a[3]));
          if (r && r->cls() == RC_PRED) fail("cp.async ignore-src is not supported");
          src(a[3], RC_32);
        }
        in.sp = SP_SHARED;
        access(in.n);
      }
      break;
    }
    case O_ldmatrix:
      need(2);
      dst(a[0], RC_32);
      in.sp = SP_SHARED;
      address(a[1], in.base, in.off, in.sp);
      in.mode = has(mods, "trans");
      if (!has(mods, "m8n8") || !has(mods, "b16")) fail("unsupported ldmatrix shape");
      in.n = in.nd;
      if (in.n != (has(mods, "x4") ? 4 : has(mods, "x2") ? 2 : 1)) fail("operand count");
      access(16);
      break;
    case O_stmatrix:
      need(2);
      in.sp = SP_SHARED;
      address(a[0], in.base, in.off, in.sp);
      src(a[1], RC_32);
      in.mode = has(mods, "trans");
      if (!has(mods, "m8n8") || !has(mods, "b16")) fail("unsupported stmatrix shape");
      in.n = in.ns;
      access(16);
      break;
    case O_mma: {
      need(4);
      dst(a[0], RC_32);
      for (int i = 1; i < 4; i++) src(a[i], RC_32);
      string shape;
      for (auto& x : mods)
        if (x[0] == 'm' && isdigit(x[1])) shape = x;
      if (!has(mods, "row") || !has(mods, "col") || types.size() != 4 || types[1] != types[2] ||
          types[0] != types[3] || has(mods, "sp"))
        fail("unsupported mma");
      in.t = types[0];
      in.t2 = types[1];
      in.k = shape == "m16n8k16" ? 16 : shape == "m16n8k8" ? 8 : shape == "m16n8k4" ? 4 : 0;
      bool ok = (in.t2 == T_BF16 && in.t == T_F32 && in.k >= 8) ||
                (in.t2 == T_F16 && (in.t == T_F32 || in.t == T_F16) && in.k >= 8) ||
                (in.t2 == T_TF32 && in.t == T_F32 && (in.k == 4 || in.k == 8));
      if (!ok) fail("unsupported mma shape or type");
      int per = in.t2 == T_TF32 ? 1 : 2, acc = in.t == T_F32 ? 4 : 2;
      if (in.nd != acc || in.ns != 16 * in.k / 32 / per + 8 * in.k / 32 / per + acc)
        fail("mma operand count");
      break;
    }
    case O_movmatrix:
      dst(a[0], RC_32);
      src(a[1], RC_32);
      break;
    case O_vote:
      need(2);
      in.mode = has(mods, "all") ? 0 : has(mods, "any") ? 1 : has(mods, "uni") ? 2 : 3;
      dst(a[0], in.mode == 3 ? RC_32 : RC_PRED);
      srcs(1, {RC_PRED, RC_32});
      break;
    case O_match:
      need(3);
      in.mode = has(mods, "all");
      dst(a[0], RC_32);
      srcs(1, {ct, RC_32});
      break;
    case O_activemask:
      need(1);
      dst(a[0], RC_32);
      break;
    case O_elect:
      need(2);
      dst(a[0], RC_32);
      src(a[1], RC_32);
      break;
    case O_shfl:
      need(4);
      in.mode = has(mods, "up") ? 0 : has(mods, "down") ? 1 : has(mods, "bfly") ? 2 : 3;
      dst(a[0], RC_32);
      srcs(1, {RC_32, RC_32, RC_32, RC_32});
      break;
    case O_redux: {
      need(3);
      static const char* names[] = {"add", "min", "max", "and", "or", "xor"};
      for (u8 q = 0; q < 6; q++)
        if (has(mods, names[q])) in.mode = q;
      if (in.t == T_F32) fail("unsupported redux type");
      dst(a[0], RC_32);
      srcs(1, {RC_32, RC_32});
      break;
    }
    case O_shf:
      need(4);
      in.mode = (u8)(has(mods, "r") | has(mods, "clamp") << 1);
      dst(a[0], RC_32);
      srcs(1, {RC_32, RC_32, RC_32});
      break;
    case O_cvta:
      need(2);
      in.to = has(mods, "to");
      dst(a[0], ct);
      src(a[1], ct);
      break;
    case O_prmt:
      need(4);
      for (auto* q : {"f4e", "b4e", "rc8", "ecl", "ecr", "rc16"})
        if (has(mods, q)) fail("unsupported prmt mode");
      dst(a[0], RC_32);
      srcs(1, {RC_32, RC_32, RC_32});
      break;
    case O_isspacep:
      need(2);
      dst(a[0], RC_PRED);
      src(a[1], RC_64);
      break;
    case O_mov: {
      need(2);
      size_t nd = a[0][0] == '{' ? split(a[0], ',').size() : 1, n2 = 1;
      if (a[0][0] == '{') nd = split(a[0].substr(1, a[0].size() - 2), ',').size();
      if (a[1][0] == '{') n2 = split(a[1].substr(1, a[1].size() - 2), ',').size();
      dst(a[0], class_of_bits(type_bits(in.t) / (int)nd));
      src(a[1], class_of_bits(type_bits(in.t) / (int)n2));
      break;
    }
    case O_cvt:
      need(2);
      dst(a[0], ct);
      srcs(1, {ct2, ct2});
      break;
    case O_shl:
    case O_shr:
      need(3);
      dst(a[0], ct);
      srcs(1, {ct, RC_32});
      break;
    case O_bfe:
      need(4);
      dst(a[0], ct);
      srcs(1, {ct, RC_32, RC_32});
      break;
    case O_bfi:
      need(5);
      dst(a[0], ct);
      srcs(1, {ct, ct, RC_32, RC_32});
      break;
    case O_bmsk:
    case O_szext:
      need(3);
      in.mode = has(mods, "wrap");
      dst(a[0], RC_32);
      srcs(1, {RC_32, RC_32});
      break;
    case O_lop3:
      need(5);
      dst(a[0], RC_32);
      srcs(1, {RC_32, RC_32, RC_32, RC_32});
      break;
    case O_selp:
      need(4);
      dst(a[0], ct);
      srcs(1, {ct, ct, RC_PRED});
      break;
    case O_slct:
      need(4);
      dst(a[0], ct);
      srcs(1, {ct, ct, ct2});
      break;
    case O_popc:
    case O_clz:
    case O_bfind:
      need(2);
      dst(a[0], RC_32);
      src(a[1], ct);
      in.mode = has(mods, "shiftamt");
      break;
    case O_testp: {
      need(2);
      static const char* names[] = {"finite", "infinite", "number", "notanumber", "normal", "subnormal"};
      for (u8 q = 0; q < 6; q++)
        if (has(mods, names[q])) in.mode = q;
      dst(a[0], RC_PRED);
      src(a[1], ct);
      break;
    }
    default: {
      need(2);
      in.carry_in = in.op == O_addc || in.op == O_subc || in.op == O_madc;
      if (in.op == O_div && in.t == T_F32 && (has(mods, "approx") || has(mods, "full"))) in.mode = 1;
      if (in.wide) in.hi = false;
      RegClass wide = class_of_bits(type_bits(in.t) * 2);
      dst(a[0], in.wide ? wide : ct);
      srcs(1, {ct, ct, in.wide ? wide : ct, ct});
      break;
    }
  }
  if ((in.op == O_membar || in.op == O_fence)) in.acq_rel = true;
  in.cls = classify(in);
  select_handler(k, in);
  emit(in, st.s, st.line);
}

void Builder::finish() {
  Inst ex;
  ex.op = O_exit;
  ex.cls = C_BRANCH;
  emit(ex, "(end of kernel)", loc.line);
  auto find = [&](const string& l) {
    auto i = label_pc.find(l);
    if (i == label_pc.end()) fail("unknown label " + l);
    return i->second;
  };
  for (auto& f : fix_bra) k.code[f.first].target = find(f.second);
  for (auto& f : fix_brx) {
    vector<i32> t;
    for (auto& l : f.second) t.push_back(find(l));
    k.code[f.first].target = (i32)k.tables.size();
    k.tables.push_back(t);
  }
  const u64 dyn_base = kSharedStart + (k.shared_static + 15) / 16 * 16;
  for (auto& d : dyn_consts) {
    Ref r;
    r.v = d.first;
    u64 v = dyn_base + d.second;
    for (int l = 0; l < 32; l++) {
      if (r.cls() == RC_64)
        memcpy(&pool[r.word() + 2 * l], &v, 8);
      else
        pool[r.word() + l] = (u32)v;
    }
  }
  k.file_words = words;
  k.granule = min_access;
  size_t bytes = (pool.size() * 4 + 127) / 64 * 64;
  k.pool = (u32*)aligned_alloc(64, bytes);
  memset(k.pool, 0, bytes);
  memcpy(k.pool, pool.data(), pool.size() * 4);
}

}  // namespace

Kernel::~Kernel() {
  free(pool);
}
Module::~Module() = default;

Kernel* find_kernel(Module& m, const string& name) {
  auto i = m.kernels.find(name);
  if (i != m.kernels.end()) return i->second.get();
  auto f = m.funcs.find(name);
  if (f == m.funcs.end() || !f->second.entry) return nullptr;
  auto kp = std::make_unique<Kernel>();
  Kernel& k = *kp;
  k.name = name;
  k.pretty = demangle(name);
  k.module = &m;
  Builder b(m, k);
  b.vars.emplace_back();
  // Module-level shared arrays are placed only if the body, or a function it may call, names them.
  const bool calls = f->second.body.find("call") != string::npos;
  for (auto& v : m.shared_vars) {
    bool used = v.dyn || f->second.body.find(v.name) != string::npos;
    if (!used && calls)
      for (auto& g : m.funcs)
        if (!g.second.entry && g.second.body.find(v.name) != string::npos) used = true;
    if (used) b.vars.back()[v.name] = b.place(v);
  }
  u64 o = 0;
  for (auto& p : f->second.params) {
    Var v;
    v.sp = SP_PARAM;
    v.size = parse_decl(p, v.name, v.align);
    o = (o + v.align - 1) / v.align * v.align;
    v.addr = o;
    k.param_off.push_back(o);
    k.param_size.push_back(v.size);
    o += v.size;
    b.vars.back()[v.name] = v;
  }
  k.param_bytes = o;
  auto triple = [&](const char* key, int* out) {
    size_t p = f->second.attrs.find(key);
    if (p == string::npos) return;
    out[0] = out[1] = out[2] = 1;
    sscanf(f->second.attrs.c_str() + p + strlen(key), "%d , %d , %d", &out[0], &out[1], &out[2]);
  };
  triple(".maxntid", k.maxntid);
  triple(".reqntid", k.reqntid);
  int mc[3] = {0, 0, 0};
  triple(".minnctapersm", mc);
  k.minctas = mc[0];
  try {
    b.body(split_statements(f->second.body, f->second.line));
    b.finish();
  } catch (Fault& e) {
    throw Fault(e.code, string(e.what()) + " in kernel " + k.pretty);
  }
  return (m.kernels[name] = std::move(kp)).get();
}

}  // namespace ptxi
