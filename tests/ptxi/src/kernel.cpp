// Decodes the body of an entry into a Kernel, on first use.

#include <cstdlib>
#include <cstring>
#include <cxxabi.h>

#include "decoder.h"

namespace ptxi {

using std::string;

string demangle(const string& s) {
  int status;
  char* d = abi::__cxa_demangle(s.c_str(), nullptr, nullptr, &status);
  string r = status == 0 && d ? d : s;
  free(d);
  return r;
}

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
  Decoder b(m, k);
  b.vars.emplace_back();
  // Module-level shared arrays are placed only if the body, or a function it may call, names them; extern
  // ones have no place of their own, but all of them pad the static ones.
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
