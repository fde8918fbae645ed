// The module level of PTX: functions, variables, files. Bodies are decoded on first use (kernel.cpp).

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "memory.h"
#include "ptx_text.h"

namespace ptxi {

using std::string;
using std::vector;

// A file below the working folder is named from there.
static string short_path(const string& path) {
  namespace fs = std::filesystem;
  static const string here = [] {
    std::error_code none;
    return (fs::current_path(none) / "").string();
  }();
  const string s = fs::path(path).lexically_normal().string();
  return here.size() > 1 && s.compare(0, here.size(), here) == 0 ? s.substr(here.size()) : s;
}

string Module::file(int number) const {
  const auto f = files.find(number);
  return f == files.end() ? "?" : f->second;
}

static void define_global(Module& m, Var v, const string& decl) {
  Alloc* a = mem_alloc(std::max<u64>(v.size, 1), A_SYMBOL, v.name);
  if (!a) fail("no memory for the variable " + v.name);
  memset(a->store, 0, a->size);
  mem_mark_init(a, 0, a->size);
  v.addr = a->base;
  size_t eq = decl.find('=');
  if (eq != string::npos) {
    std::istringstream is(decl.substr(0, eq));
    int es = 4;
    for (string w; is >> w;)
      if (w[0] == '.' && parse_type(w.substr(1)) != T_NONE) es = type_bits(parse_type(w.substr(1))) / 8;
    string flat;
    for (char c : decl.substr(eq + 1))
      if (c != '{' && c != '}') flat += c;
    u64 o = 0;
    for (auto& x : split(trim(flat), ',')) {
      u64 val = 0;
      if (!parse_number(x, val)) {
        string nm = x;
        u64 plus = 0;
        if (nm.compare(0, 8, "generic(") == 0) {
          size_t close = nm.find(')');
          if (close + 1 < nm.size() && nm[close + 1] == '+')
            plus = strtoull(nm.c_str() + close + 2, nullptr, 0);
          nm = nm.substr(8, close - 8);
        }
        auto gi = m.globals.find(trim(nm));
        if (gi == m.globals.end()) fail("unsupported initializer " + x + " of " + v.name);
        val = gi->second.addr + plus;
      }
      if (o + es <= v.size) memcpy(a->store + o, &val, es);
      o += es;
    }
  }
  v.init.assign(a->store, a->store + v.size);
  m.globals[v.name] = v;
}

std::unique_ptr<Module> load_module(const string& source) {
  auto mod = std::make_unique<Module>();
  Module& m = *mod;
  const string s = strip_comments(source);
  size_t i = 0;
  int line = 1;
  auto advance = [&](size_t to) {
    for (; i < to && i < s.size(); i++)
      if (s[i] == '\n') line++;
  };
  auto starts = [&](const char* w) { return s.compare(i, strlen(w), w) == 0; };
  vector<string> vars;
  while (true) {
    while (i < s.size() && isspace(s[i])) advance(i + 1);
    if (i >= s.size()) break;
    if (starts(".version") || starts(".target") || starts(".address_size") || starts(".file")) {
      size_t e = s.find('\n', i);
      if (e == string::npos) e = s.size();
      string t = s.substr(i, e - i);
      if (starts(".target")) m.sm = atoi(t.c_str() + t.find("sm_") + 3);
      if (starts(".file")) {
        size_t q = t.find('"');
        m.files[atoi(t.c_str() + 5)] = short_path(t.substr(q + 1, t.find('"', q + 1) - q - 1));
      }
      advance(e);
      continue;
    }
    if (starts(".section")) {
      advance(s.find('}', i) + 1);
      continue;
    }
    size_t e = s.find_first_of(";{", i);
    if (e == string::npos) break;
    string h = s.substr(i, e - i);
    bool entry = h.find(".entry") != string::npos;
    if (!entry && h.find(".func") == string::npos) {  // a variable, up to the semicolon
      int d = 0;
      size_t j = i;
      for (; j < s.size(); j++) {
        if (s[j] == '{') d++;
        if (s[j] == '}') d--;
        if (s[j] == ';' && !d) break;
      }
      vars.push_back(trim(s.substr(i, j - i)));
      advance(j + 1);
      continue;
    }
    Function f;
    f.entry = entry;
    string r = trim(h.substr(h.find(entry ? ".entry" : ".func") + (entry ? 6 : 5)));
    if (r[0] == '(') {
      size_t q = r.find(')');
      f.rets = split(r.substr(1, q - 1), ',');
      r = trim(r.substr(q + 1));
    }
    size_t q = r.find_first_of("( \t\n");
    f.name = trim(r.substr(0, q));
    size_t a = r.find('(');
    if (a != string::npos) {
      size_t b = r.find(')', a);
      f.params = split(r.substr(a + 1, b - a - 1), ',');
      f.attrs = r.substr(b + 1);
    } else if (q != string::npos) {
      f.attrs = r.substr(q);
    }
    advance(e);
    if (s[i] == ';') {  // only a declaration
      i++;
      m.funcs.emplace(f.name, f);
      continue;
    }
    f.line = line;
    int d = 0;
    size_t j = i;
    for (; j < s.size(); j++) {
      if (s[j] == '{') d++;
      if (s[j] == '}' && --d == 0) break;
    }
    f.body = s.substr(i + 1, j - i - 1);
    advance(j + 1);
    if (f.entry) m.entries.push_back(f.name);
    m.funcs[f.name] = f;
  }
  for (auto& t : vars) {
    if (t.empty() || t[0] != '.') continue;
    if (t.compare(0, 6, ".alias") == 0) fail("unsupported: " + t);
    Var v;
    if (!parse_variable(t, v)) continue;
    if (v.sp == SP_SHARED)
      m.shared_vars.push_back(v);
    else if (v.sp != SP_LOCAL)
      define_global(m, v, t);
  }
  return mod;
}

}  // namespace ptxi
