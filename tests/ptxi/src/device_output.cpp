// printf and assert of device code.

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
      while (i < fmt.size() && !isalpha(fmt[i])) spec += fmt[i++];
      bool wide = false;
      while (i < fmt.size() && strchr("lhzjt", fmt[i])) {
        if (fmt[i] != 'h') wide = true;
        i++;
      }
      char cv = i < fmt.size() ? fmt[i++] : 'd', buf[512];
      if (strchr("fFgGeEaA", cv))
        snprintf(buf, sizeof buf, (spec + cv).c_str(), u2d(arg(8)));
      else if (cv == 's')
        snprintf(buf, sizeof buf, (spec + "s").c_str(), device_string(b, arg(8)).c_str());
      else if (cv == 'p')
        snprintf(buf, sizeof buf, "%p", (void*)arg(8));
      else if (wide)
        snprintf(buf, sizeof buf, (spec + "ll" + cv).c_str(), arg(8));
      else
        snprintf(buf, sizeof buf, (spec + cv).c_str(), (u32)arg(4));
      out += buf;
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
