// The module level of PTX: functions, variables, files. Bodies are decoded on first use (kernel.cpp).

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "memory.h"
#include "ptx_text.h"

namespace ptxi {

using std::string;

namespace {

// A file below the working folder is named from there.
string short_path(const string& path) {
  namespace fs = std::filesystem;
  static const string& here = *[] {
    std::error_code none;
    return new string((fs::current_path(none) / "").string());
  }();
  const string s = fs::path(path).lexically_normal().string();
  return here.size() > 1 && s.compare(0, here.size(), here) == 0 ? s.substr(here.size()) : s;
}

// Whether x is "mask(address)": the bits of the address that the mask selects.
bool is_masked(const string& x) {
  const size_t paren = x.find('(');
  return isdigit(x[0]) && paren != string::npos && std::all_of(&x[0], &x[paren], isalnum);
}

// What a variable of elements of type t is initialised with: a constant, or the address of another one,
// perhaps "generic(name)+offset", or of a packed structure "0xFF00(generic(name)+offset)", one of its bytes.
u64 initial_value(const Module& m, const Var& v, Type t, const string& x) {
  if (is_masked(x)) {
    const size_t paren = x.find('('), close = x.rfind(')');
    const u64 mask = constant(x.substr(0, paren), T_U64);
    if (!mask) fail("unsupported initializer " + x + " of " + v.name);
    return (initial_value(m, v, T_U64, trim(x.substr(paren + 1, close - paren - 1))) & mask) >>
           std::countr_zero(mask);
  }
  if (is_constant(x)) return constant(x, t);
  const size_t sign = x.find_first_of("+-");
  string name = trim(x.substr(0, sign));
  const u64 offset = sign == string::npos ? 0 : constant(trim(x.substr(sign)), T_U64);
  if (name.compare(0, 8, "generic(") == 0) name = name.substr(8, name.find(')') - 8);
  auto g = m.globals.find(trim(name));
  if (g == m.globals.end()) fail("unsupported initializer " + x + " of " + v.name);
  return g->second.addr + offset;
}

// `decl` is ".global .align 4 .u32 x[3] = {1, 2, 3}", or without values.
void define_global(Module& m, Var v, const string& decl) {
  Alloc* a = mem_alloc(std::max<u64>(v.size, 1), A_SYMBOL, v.name);
  if (!a) fail("no memory for the variable " + v.name);
  memset(a->store, 0, a->size);
  mem_mark_init(a, 0, a->size);
  v.addr = a->base;
  size_t eq = decl.find('=');
  if (eq != string::npos) {
    std::istringstream is(decl.substr(0, eq));
    Type t = T_B32;
    for (string w; is >> w;)
      if (w[0] == '.' && parse_type(w.substr(1)) != T_NONE) t = parse_type(w.substr(1));
    const int bytes = type_bits(t) / 8;
    string flat;
    for (char c : decl.substr(eq + 1))
      if (c != '{' && c != '}') flat += c;
    u64 o = 0;
    for (auto& x : split(trim(flat), ',')) {
      const u64 value = initial_value(m, v, t, x);
      if (o + bytes <= v.size) memcpy(a->store + o, &value, bytes);
      o += bytes;
    }
  }
  v.init.assign(a->store, a->store + v.size);
  m.globals[v.name] = v;
}

// ".entry name(params) attributes", ".func (returns) name(params) attributes"
Function parse_head(const string& head) {
  Function f;
  f.entry = head.find(".entry") != string::npos;
  string r = trim(head.substr(head.find(f.entry ? ".entry" : ".func") + (f.entry ? 6 : 5)));
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
  return f;
}

// Reads the text of a module from its beginning to its end.
struct Reader {
  Module& m;
  const string s;
  size_t i = 0;
  int line = 1;

  bool starts(const char* w) const { return s.compare(i, strlen(w), w) == 0; }
  void advance(size_t to) {
    for (; i < to && i < s.size(); i++)
      if (s[i] == '\n') line++;
  }
  // The end of the text, or the first `last` from here on that is not within braces, which it may close.
  size_t find_outside(char last) const {
    int depth = 0;
    size_t j = i;
    for (; j < s.size(); j++) {
      if (s[j] == '{') depth++;
      if (s[j] == '}') depth--;
      if (s[j] == last && depth == 0) break;
    }
    return j;
  }
  void directive();
  void variable();
  void function(Function f, size_t body);
  void all();
};

// A line of its own.
void Reader::directive() {
  const size_t e = std::min(s.find('\n', i), s.size());
  string t = s.substr(i, e - i);
  if (starts(".target")) m.sm = atoi(t.c_str() + t.find("sm_") + 3);
  if (starts(".file")) {
    size_t q = t.find('"');
    m.files[atoi(t.c_str() + 5)] = short_path(t.substr(q + 1, t.find('"', q + 1) - q - 1));
  }
  advance(e);
}

void Reader::variable() {
  const size_t e = find_outside(';');
  const string t = trim(s.substr(i, e - i));
  advance(e + 1);
  if (t.empty() || t[0] != '.') return;
  if (t.compare(0, 6, ".alias") == 0) fail("unsupported: " + t);
  Var v;
  if (!parse_variable(t, v)) return;
  if (v.sp == SP_SHARED)
    m.shared_vars.push_back(v);
  else if (v.sp != SP_LOCAL)
    define_global(m, v, t);
}

void Reader::function(Function f, size_t body) {
  advance(body);
  if (s[i] == ';') {  // only a declaration
    i++;
    m.funcs.emplace(f.name, f);
    return;
  }
  f.line = line;
  const size_t e = find_outside('}');
  f.body = s.substr(i + 1, e - i - 1);
  advance(e + 1);
  if (f.entry) m.entries.push_back(f.name);
  m.funcs[f.name] = f;
}

void Reader::all() {
  while (true) {
    while (i < s.size() && isspace(s[i])) advance(i + 1);
    if (i >= s.size()) return;
    if (starts(".version") || starts(".target") || starts(".address_size") || starts(".file")) {
      directive();
      continue;
    }
    if (starts(".section")) {
      advance(s.find('}', i) + 1);
      continue;
    }
    const size_t e = s.find_first_of(";{", i);
    if (e == string::npos) return;
    const string head = s.substr(i, e - i);
    if (head.find(".entry") != string::npos || head.find(".func") != string::npos)
      function(parse_head(head), e);
    else
      variable();
  }
}

}  // namespace

string Module::file(int number) const {
  const auto f = files.find(number);
  return f == files.end() ? "?" : f->second;
}

std::unique_ptr<Module> load_module(const string& source) {
  auto m = std::make_unique<Module>();
  Reader{*m, strip_comments(source)}.all();
  return m;
}

}  // namespace ptxi
