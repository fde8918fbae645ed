// Taking PTX text apart: names of types, lists, statements, declarations.

#include "ptx_text.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <unordered_map>

namespace ptxi {

using std::string;
using std::vector;

void fail(const string& s) {
  throw Fault(E_INVALID_PTX, s);
}

int type_bits(Type t) {
  switch (t) {
    case T_PRED:
      return 1;
    case T_B8:
    case T_U8:
    case T_S8:
      return 8;
    case T_B16:
    case T_U16:
    case T_S16:
    case T_F16:
    case T_BF16:
      return 16;
    case T_B64:
    case T_U64:
    case T_S64:
    case T_F64:
      return 64;
    case T_B128:
      return 128;
    default:
      return 32;
  }
}

Type parse_type(const string& s) {
  static const auto& m = *new std::unordered_map<string, Type>{
      {"pred", T_PRED}, {"b8", T_B8},   {"u8", T_U8},       {"s8", T_S8},         {"b16", T_B16},
      {"u16", T_U16},   {"s16", T_S16}, {"b32", T_B32},     {"u32", T_U32},       {"s32", T_S32},
      {"b64", T_B64},   {"u64", T_U64}, {"s64", T_S64},     {"f16", T_F16},       {"bf16", T_BF16},
      {"f32", T_F32},   {"f64", T_F64}, {"f16x2", T_F16X2}, {"bf16x2", T_BF16X2}, {"tf32", T_TF32},
      {"b128", T_B128}};
  auto i = m.find(s);
  return i == m.end() ? T_NONE : i->second;
}

Type bits_type(int bits) {
  return bits <= 8 ? T_B8 : bits <= 16 ? T_B16 : bits <= 32 ? T_B32 : bits <= 64 ? T_B64 : T_B128;
}

string trim(const string& s) {
  size_t a = s.find_first_not_of(" \t\r\n"), b = s.find_last_not_of(" \t\r\n");
  return a == string::npos ? "" : s.substr(a, b - a + 1);
}

vector<string> split(const string& s, char sep) {
  vector<string> r;
  int depth = 0;
  string c;
  for (char ch : s) {
    if (ch == '[' || ch == '{' || ch == '(') depth++;
    if (ch == ']' || ch == '}' || ch == ')') depth--;
    if (ch == sep && !depth) {
      r.push_back(trim(c));
      c.clear();
    } else {
      c += ch;
    }
  }
  if (!trim(c).empty()) r.push_back(trim(c));
  return r;
}

// Remove comments, keeping line breaks so that line numbers stay right.
string strip_comments(const string& s) {
  string o;
  o.reserve(s.size());
  for (size_t i = 0; i < s.size();) {
    if (s[i] == '"') {
      size_t j = s.find('"', i + 1);
      if (j == string::npos) j = s.size() - 1;
      o.append(s, i, j - i + 1);
      i = j + 1;
    } else if (s[i] == '/' && i + 1 < s.size() && s[i + 1] == '/') {
      while (i < s.size() && s[i] != '\n') i++;
    } else if (s[i] == '/' && i + 1 < s.size() && s[i + 1] == '*') {
      size_t j = s.find("*/", i);
      if (j == string::npos) j = s.size() - 2;
      for (; i < j + 2; i++)
        if (s[i] == '\n') o += '\n';
    } else {
      o += s[i++];
    }
  }
  return o;
}

// Split a body into statements: "{", "}", "label:", ".loc ..." or an instruction/declaration
// without its semicolon.
vector<Stmt> split_statements(const string& b, int line) {
  vector<Stmt> r;
  string c;
  int first = line;
  bool blank = true;  // nothing but white space in c so far
  for (size_t i = 0; i < b.size(); i++) {
    char ch = b[i];
    if (ch == '\n') line++;
    if (blank) first = line;
    if (blank && ch == '.' && (b.compare(i, 5, ".loc\t") == 0 || b.compare(i, 5, ".loc ") == 0)) {
      size_t e = b.find('\n', i);
      if (e == string::npos) e = b.size();
      r.push_back({b.substr(i, e - i), line});
      i = e - 1;
      c.clear();
      continue;
    }
    if ((ch == '{' || ch == '}') && blank) {
      r.push_back({string(1, ch), line});
      c.clear();
      continue;
    }
    if (ch == ';') {
      r.push_back({trim(c), first});
      c.clear();
      blank = true;
      continue;
    }
    if (ch == ':') {
      string x = trim(c);
      bool id = !x.empty();
      for (char y : x)
        if (!(isalnum(y) || y == '_' || y == '$' || y == '%')) id = false;
      if (id && b[i + 1] != ':') {
        r.push_back({x + ":", first});
        c.clear();
        blank = true;
        continue;
      }
    }
    c += ch == '\n' ? ' ' : ch;
    if (!isspace(ch)) blank = false;
  }
  return r;
}

// ".param .align 8 .b8 foo[16]", ".param .u32 foo", ".global .align 4 .f32 x[2][3]", ...
u64 parse_decl(const string& decl, string& name, u64& align) {
  std::istringstream is(decl);
  vector<string> tk;
  for (string w; is >> w;) tk.push_back(w);
  u64 elem = 4;
  align = 0;
  name.clear();
  for (size_t i = 0; i < tk.size(); i++) {
    if (tk[i] == ".align") {
      align = atoi(tk[++i].c_str());
    } else if (tk[i][0] == '.') {
      Type t = parse_type(tk[i].substr(1));
      if (t != T_NONE) elem = std::max(1, type_bits(t) / 8);
    } else {
      name += tk[i];
    }
  }
  u64 n = 1;
  size_t p = name.find('[');
  if (p != string::npos) {
    for (size_t q = p; q != string::npos; q = name.find('[', q + 1))
      n *= name[q + 1] == ']' ? 0 : constant(name.substr(q + 1, name.find(']', q) - q - 1), T_U64);
    name = name.substr(0, p);
  }
  if (!align) align = std::max<u64>(1, elem);
  return elem * n;
}

bool parse_variable(const string& s, Var& v) {
  size_t eq = s.find('=');
  string t = eq == string::npos ? s : trim(s.substr(0, eq));
  v.dyn = false;
  if (t.find(".shared") != string::npos)
    v.sp = SP_SHARED;
  else if (t.find(".local") != string::npos || t.find(".param") != string::npos)
    v.sp = SP_LOCAL;
  else if (t.find(".const") != string::npos)
    v.sp = SP_CONST;
  else if (t.find(".global") != string::npos)
    v.sp = SP_GLOBAL;
  else
    return false;
  v.size = parse_decl(t, v.name, v.align);
  if (v.sp == SP_SHARED && v.size == 0) v.dyn = true;
  return !v.name.empty();
}

}  // namespace ptxi
