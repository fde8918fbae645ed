// printf and assert of device code.

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "handlers.h"
#include "numeric.h"

namespace ptxi {

using std::string;

static string device_string(Block& b, u64 a) {
  string s;
  while (Alloc* al = b.find(a, 1)) {
    char c = (char)al->store[a - al->base];
    if (!c) break;
    s += c;
    a++;
  }
  return s;
}

template <class T>
static string formatted(const string& spec, T value) {
  string s((size_t)std::max(snprintf(nullptr, 0, spec.c_str(), value), 0), ' ');
  snprintf(s.data(), s.size() + 1, spec.c_str(), value);
  return s;
}

void h_printf(Warp& w, const Instruction& in, u32 m) {
  Block& b = *w.block;
  FOR_LANES(l, m) {
    u64 fmt_addr, args;
    memcpy(&fmt_addr, b.address(w, l, in, SP_LOCAL, w.get(in.s[0], l), 8, false), 8);
    memcpy(&args, b.address(w, l, in, SP_LOCAL, w.get(in.s[1], l), 8, false), 8);
    const string fmt = device_string(b, fmt_addr);
    u64 o = 0;
    string out;
    auto arg = [&](unsigned n) {
      o = (o + n - 1) / n * n;
      u64 v = 0;
      memcpy(&v, b.address(w, l, in, SP_GENERIC, args + o, n, false), n);
      o += n;
      return v;
    };
    for (size_t i = 0; i < fmt.size();) {
      if (fmt[i] != '%') {
        out += fmt[i++];
        continue;
      }
      if (i + 1 < fmt.size() && fmt[i + 1] == '%') {
        out += '%';
        i += 2;
        continue;
      }
      string spec = "%";
      i++;
      for (; i < fmt.size() && !isalpha(fmt[i]); i++) {
        const i32 given = fmt[i] == '*' ? (i32)arg(4) : 0;  // a width or a precision
        if (fmt[i] != '*')
          spec += fmt[i];
        else if (given < 0 && spec.back() == '.')
          spec.pop_back();
        else
          spec += std::to_string(given);
      }
      bool wide = false;
      for (; i < fmt.size() && strchr("lhzjt", fmt[i]); i++) {
        if (fmt[i] == 'h')
          spec += 'h';
        else
          wide = true;
      }
      const char cv = i < fmt.size() ? fmt[i++] : 'd';
      if (strchr("fFgGeEaA", cv))
        out += formatted(spec + cv, u2d(arg(8)));
      else if (cv == 's')
        out += formatted(spec + cv, device_string(b, arg(8)).c_str());
      else if (cv == 'p')
        out += formatted(spec + cv, (void*)arg(8));
      else if (wide)
        out += formatted(spec + "ll" + cv, arg(8));
      else
        out += formatted(spec + cv, (u32)arg(4));
    }
    fputs(out.c_str(), stdout);
  }
  fflush(stdout);
}

void h_assert(Warp& w, const Instruction& in, u32 m) {
  int l = __builtin_ctz(m);
  Block& b = *w.block;
  u64 v[3] = {0, 0, 0};
  for (int i = 0; i < 3 && i < in.ns; i++)
    memcpy(&v[i], b.address(w, l, in, SP_LOCAL, w.get(in.s[i], l), i == 2 ? 4 : 8, false), i == 2 ? 4 : 8);
  b.err(in, E_ASSERT,
        "device assertion `" + device_string(b, v[0]) + "' failed at " + device_string(b, v[1]) + ":" +
            std::to_string(v[2]),
        &w, l);
}

}  // namespace ptxi
