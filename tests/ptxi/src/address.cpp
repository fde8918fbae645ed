// From the address of an access to the bytes, with the checks of a single lane.

#include <utility>

#include "block.h"

namespace ptxi {

using std::string;

Alloc* Block::find(u64 a, u64 n) {
  for (int i = 0; i < 2; i++) {
    Alloc* x = last_alloc[i];
    if (x && a >= x->base && a + n <= x->base + x->size) {
      if (i) std::swap(last_alloc[0], last_alloc[1]);
      return x;
    }
  }
  Alloc* x = mem_find(a);
  if (!x || a + n > x->base + x->size) return nullptr;
  mem_use(*x);
  last_alloc[1] = last_alloc[0];
  last_alloc[0] = x;
  return x;
}

static string place(Space sp, u64 a) {
  switch (sp) {
    case SP_SHARED:
      return "shared offset " + std::to_string((i64)(a - kSharedStart));
    case SP_LOCAL:
      return "local offset " + std::to_string(a);
    case SP_PARAM:
      return "parameter offset " + std::to_string(a);
    default:
      return "address " + mem_describe(a);
  }
}

u8* Block::address(Warp& w, int l, const Instruction& in, Space sp, u64 a, unsigned n, bool write,
                   bool atomic) {
  u64 window = a >> 56;
  if (sp == SP_GENERIC)
    sp = window == 1 ? SP_SHARED : window == 2 ? SP_LOCAL : window == 3 ? SP_PARAM : SP_GLOBAL;
  if (window >= 1 && window <= 3 && sp != SP_GLOBAL && sp != SP_CONST) a &= (1ull << 56) - 1;
  if (a & (n - 1))
    err(in, E_MISALIGNED, "misaligned " + place(sp, a) + " for an access of " + std::to_string(n) + " bytes",
        &w, l);
  switch (sp) {
    case SP_SHARED: {
      u64 o = a - kSharedStart;
      if (a < kSharedStart || o + n > shared_total)
        err(in, E_ILLEGAL_ADDRESS,
            string("shared ") + (write ? "write" : "read") + " out of bounds: offset " +
                std::to_string((i64)o) + " of " + std::to_string(shared_total) + " bytes",
            &w, l);
      if (shared_checked) shadow_access(w, l, in, o, n, write, atomic);
      if (fences_followed && in.access > WEAK) strong_access(w, l, in, shared_places, o);
      return shared.data() + o;
    }
    case SP_LOCAL:
      if (a + n > k.local_bytes)
        err(in, E_ILLEGAL_ADDRESS,
            "local access out of bounds: offset " + std::to_string(a) + " of " +
                std::to_string(k.local_bytes),
            &w, l);
      return local.data() + (size_t)(w.id * 32 + l) * k.local_bytes + a;
    case SP_PARAM:
      if (a + n > k.param_bytes) err(in, E_ILLEGAL_ADDRESS, "parameter access out of bounds", &w, l);
      if (write) err(in, E_ILLEGAL_ADDRESS, "write to a kernel parameter", &w, l);
      return const_cast<u8*>(params) + a;
    default: {
      Alloc* al = find(a, n);
      if (!al)
        err(in, E_ILLEGAL_ADDRESS,
            string("global ") + (write ? "write" : "read") + " of " + std::to_string(n) +
                " bytes out of bounds at " + mem_describe(a),
            &w, l);
      if (global_checked) global_checks(w, l, in, al, a, n, write);
      return al->store + (a - al->base);
    }
  }
}

}  // namespace ptxi
