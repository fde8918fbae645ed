// The body of an entry: scopes, declarations, labels.
#include "decoder.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <sstream>

#include "special_registers.h"

namespace ptxi {

using std::map;
using std::string;
using std::vector;

Var Decoder::place(Var v) {
  if (v.sp == SP_SHARED) {
    if (v.dyn) dynamic_align = std::max<u64>({dynamic_align, v.align, 16});
    if (v.dyn) return v;
    u64& o = k.shared_arrays;
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

void Decoder::declare(const string& s) {
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

// The toolkit's headers hold one function for each kind of instruction.
static bool of_toolkit(const string& file) {
  const size_t at = file.rfind("/include/");
  if (at == string::npos) return false;
  for (const char* start : {"sm_", "cuda", "device_", "crt/", "cooperative_groups", "cccl/"})
    if (file.compare(at + 9, strlen(start), start) == 0) return true;
  return false;
}

void Decoder::name_place() {
  const auto text = [&](const Place& p) { return m.file(p.file) + ":" + std::to_string(p.line); };
  Place here{loc.file, loc.src_line, 0}, from = called_from;
  for (; from.line && of_toolkit(m.file(here.file)); from = caller(here)) here = from;
  loc.place = text(here);
  loc.caller = from.line ? text(from) : "";
  Place at = called_from;
  while (of_toolkit(m.file(at.file)) && caller(at).line) at = caller(at);
  loc.at_file = at.file, loc.at_line = at.line;
}

void Decoder::emit(Instruction in, const string& text, int line) {
  loc.line = line;
  k.code.push_back(in);
  k.text.push_back(text);
  k.loc.push_back(loc);
}

// A function body: nested scopes with their own registers, variables and labels.
void Decoder::body(const vector<Stmt>& b) {
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

void Decoder::finish() {
  Instruction ex;
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
  // As ptxas does, in each kernel of a module that has an extern array.
  k.shared_static = (k.shared_arrays + dynamic_align - 1) / dynamic_align * dynamic_align;
  const u64 dyn_base = (kSharedStart + k.shared_static + dynamic_align - 1) / dynamic_align * dynamic_align;
  k.shared_dynamic = dyn_base - kSharedStart;
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
  k.global_granule = min_global_access;
  size_t bytes = (pool.size() * 4 + 127) / 64 * 64;
  k.pool = (u32*)aligned_alloc(64, bytes);
  memset(k.pool, 0, bytes);
  memcpy(k.pool, pool.data(), pool.size() * 4);
}

}  // namespace ptxi
