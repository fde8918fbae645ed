// Constants of PTX ("Constants" in the PTX ISA): integers of 64 bits, doubles, the bits of floats, and
// expressions of them. Where the ISA's table of types and ptxas differ, as ptxas.

#include "constant.h"

#include <charconv>
#include <climits>
#include <cstring>

#include "alu_float.h"
#include "fault.h"

namespace ptxi {

using std::string;

namespace {

struct Value {
  enum Kind { SIGNED, UNSIGNED, DOUBLE } kind;
  u64 bits;
  bool is_double() const { return kind == DOUBLE; }
  double number() const { return u2d(bits); }
};
Value truth(bool b) {
  return {Value::SIGNED, b};
}

struct Operator {
  const char* text;
  int level;  // binds tighter the higher it is
};
constexpr Operator kOperators[] = {{"||", 1}, {"&&", 2}, {"==", 6}, {"!=", 6}, {"<=", 7}, {">=", 7},
                                   {"<<", 8}, {">>", 8}, {"|", 3},  {"^", 4},  {"&", 5},  {"<", 7},
                                   {">", 7},  {"+", 9},  {"-", 9},  {"*", 10}, {"/", 10}, {"%", 10}};
constexpr Operator kNone = {"", 0};

class Parser {
 public:
  explicit Parser(const string& text) : whole(text), at(text.c_str()), end(at + text.size()) {}

  Value all() {
    const Value v = conditional();
    if (skip() != end) wrong();
    return v;
  }

 private:
  const string& whole;
  const char *at, *const end;

  [[noreturn]] void wrong() const { fail("not a constant: '" + whole + "'"); }

  const char* skip() {
    while (at < end && isspace(*at)) at++;
    return at;
  }
  bool take(const char* text) {
    const size_t n = strlen(text);
    if (strncmp(skip(), text, n) != 0) return false;
    at += n;
    return true;
  }

  // Of a condition, both sides are read, and the value keeps the type of its own side.
  Value conditional() {
    const Value condition = binary(1);
    if (!take("?")) return condition;
    const Value yes = conditional();
    if (!take(":")) wrong();
    const Value no = conditional();
    return integer(condition).bits ? yes : no;
  }

  Operator next() {
    for (const Operator& o : kOperators)
      if (strncmp(skip(), o.text, strlen(o.text)) == 0) return o;
    return kNone;
  }
  Value binary(int level) {
    Value left = unary();
    for (Operator o = next(); o.level >= level; o = next()) {
      at += strlen(o.text);
      left = apply(o.text, left, binary(o.level + 1));
    }
    return left;
  }

  Value unary() {
    if (take("+")) return unary();
    if (take("!")) return truth(!integer(unary()).bits);
    if (take("~")) return {Value::UNSIGNED, ~integer(unary()).bits};
    if (take("-")) {
      const Value v = unary();
      return {v.kind, v.is_double() ? d2u(-v.number()) : 0 - v.bits};
    }
    if (take("(.s64)")) return {Value::SIGNED, integer(unary()).bits};
    if (take("(.u64)")) return {Value::UNSIGNED, integer(unary()).bits};
    return primary();
  }

  Value primary() {
    if (take("(")) {
      const Value v = conditional();
      if (!take(")")) wrong();
      return v;
    }
    const Value v = take("WARP_SZ") ? Value{Value::SIGNED, 32} : literal();
    if (at < end && (isalnum(*at) || *at == '_' || *at == '.')) wrong();
    return v;
  }

  Value literal() {
    const auto starts = [&](char small, char large) {
      return end - at > 1 && at[0] == '0' && (at[1] == small || at[1] == large);
    };
    if (starts('d', 'D')) {
      at += 2;
      if (end - at < 16) wrong();
      return {Value::DOUBLE, digits(16, 16)};
    }
    const char* after = at;
    while (after < end && isdigit(*after)) after++;
    if (after < end && (*after == '.' || *after == 'e' || *after == 'E')) return decimal();
    int base = 10;
    if (starts('x', 'X') || starts('b', 'B')) {
      base = at[1] == 'x' || at[1] == 'X' ? 16 : 2;
      at += 2;
    } else if (*at == '0') {
      base = 8;
    }
    const u64 v = digits(base);
    return {take("U") || v > INT64_MAX ? Value::UNSIGNED : Value::SIGNED, v};
  }
  u64 digits(int base, int most = INT_MAX) {
    u64 v = 0;
    const auto [to, error] = std::from_chars(at, end - at > most ? at + most : end, v, base);
    if (error != std::errc()) wrong();
    at = to;
    return v;
  }
  Value decimal() {
    double v = 0;
    const auto [to, error] = std::from_chars(at, end, v);
    if (error != std::errc()) wrong();
    at = to;
    return {Value::DOUBLE, d2u(v)};
  }

  Value integer(Value v) const {
    if (v.is_double()) wrong();
    return v;
  }

  Value apply(const string& o, Value a, Value b) const {
    if (a.is_double() && b.is_double()) return apply_doubles(o, a.number(), b.number());
    integer(a), integer(b);
    const bool is_unsigned = a.kind == Value::UNSIGNED || b.kind == Value::UNSIGNED;
    const auto both = is_unsigned ? Value::UNSIGNED : Value::SIGNED;
    const u64 x = a.bits, y = b.bits;
    const i64 p = (i64)x, q = (i64)y;
    if (o == "+") return {both, x + y};
    if (o == "-") return {both, x - y};
    if (o == "*") return {both, x * y};
    if (o == "/" || o == "%") {
      if (y == 0) fail("division by zero in '" + whole + "'");
      if (o == "%") return {Value::UNSIGNED, x % y};
      return {both, is_unsigned ? x / y : q == -1 ? 0 - x : (u64)(p / q)};
    }
    if (o == "&") return {both, x & y};
    if (o == "|") return {both, x | y};
    if (o == "^") return {both, x ^ y};
    if (o == "<<") return {a.kind, x << (y & 63)};
    if (o == ">>") return {a.kind, a.kind == Value::UNSIGNED ? x >> (y & 63) : (u64)(p >> (y & 63))};
    if (o == "&&") return truth(x && y);
    if (o == "||") return truth(x || y);
    if (o == "==") return truth(x == y);
    if (o == "!=") return truth(x != y);
    const bool less = is_unsigned ? x < y : p < q, greater = is_unsigned ? x > y : p > q;
    return truth(o == "<" ? less : o == ">" ? greater : o == "<=" ? !greater : !less);
  }

  Value apply_doubles(const string& o, double x, double y) const {
    if (o == "+") return {Value::DOUBLE, d2u(x + y)};
    if (o == "-") return {Value::DOUBLE, d2u(x - y)};
    if (o == "*") return {Value::DOUBLE, d2u(x * y)};
    if (o == "/") return {Value::DOUBLE, d2u(x / y)};
    if (o == "==") return truth(x == y);
    if (o == "!=") return truth(x != y);
    if (o == "<") return truth(x < y);
    if (o == ">") return truth(x > y);
    if (o == "<=") return truth(x <= y);
    if (o == ">=") return truth(x >= y);
    wrong();
  }
};

// 0f and eight digits: the bits of a float, which no expression has.
bool float_bits(const string& s, u64& v) {
  if (s.size() != 10 || s[0] != '0' || (s[1] != 'f' && s[1] != 'F')) return false;
  const auto [to, error] = std::from_chars(s.c_str() + 2, s.c_str() + 10, v, 16);
  return error == std::errc() && to == s.c_str() + 10;
}

bool takes_integers(Type t) {
  return !is_float(t) && !is_half(t) && t != T_TF32;
}

}  // namespace

bool is_constant(const string& s) {
  return !s.empty() && (isdigit(s[0]) || strchr("+-!~(.", s[0]) || s.compare(0, 7, "WARP_SZ") == 0);
}

u64 constant(const string& s, Type use) {
  const bool takes_floats = use == T_F32 || use == T_F64 || use == T_B32 || use == T_B64;
  u64 v = 0;
  if (takes_floats && float_bits(s, v)) return v;
  const Value x = Parser(s).all();
  if (x.is_double()) {
    if (!takes_floats) fail("a floating constant where the instruction takes none: '" + s + "'");
    return type_bits(use) == 64 ? x.bits : f2u((float)x.number());
  }
  if (!takes_integers(use)) fail("an integer constant where the instruction takes none: '" + s + "'");
  return use == T_PRED ? x.bits != 0 : x.bits;
}

}  // namespace ptxi
