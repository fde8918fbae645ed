// Operands of branches, fences, and instructions that access memory.
#include <algorithm>
#include <map>
#include <string>

#include "operands.h"

namespace ptxi {

using std::string;
using std::vector;

bool Operands::control() {
  switch (in.op) {
    case O_bra:
      need(1);
      d.fix_bra.push_back({(int)d.k.code.size(), d.resolve_label(a[0])});
      break;
    case O_brx: {
      need(2);
      src(a[0], T_B32);
      auto q = d.branch_targets.find(d.resolve_label(a[1]));
      if (q == d.branch_targets.end()) fail("unknown branch targets");
      d.fix_brx.push_back({(int)d.k.code.size(), q->second});
      break;
    }
    case O_ret:
      if (!d.ret_label.empty()) {  // the end of an expanded call
        in.op = O_bra;
        d.fix_bra.push_back({(int)d.k.code.size(), d.ret_label});
      }
      break;
    case O_membar:
    case O_fence:
      in.sc = in.op == O_membar || has("sc");
      if (!in.acquire && !in.release) in.acquire = in.release = true;
      if (has("proxy") || has("mbarrier_init")) in.acquire = in.release = in.sc = false;
      break;
    case O_exit:
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
    default:
      return false;
  }
  return true;
}

void Operands::atomic() {
  static const char* const names[] = {"add", "min", "max", "and", "or", "xor", "exch", "cas", "inc", "dec"};
  const bool ret = in.op == O_atom;
  need(ret ? 3 : 2);
  if (ret) dst(a[0], ct);
  d.address(a[ret ? 1 : 0], in.base, in.off, in.sp);
  for (size_t i = ret ? 2 : 1; i < a.size(); i++) src(a[i], in.t);
  in.mode = 255;
  for (u8 q = 0; q < 10; q++)
    if (has(names[q])) in.mode = q;
  if (in.mode == 255) fail("unknown atomic operation");
  access(tb);
  if (in.sp != SP_SHARED) d.k.order_dependent = true;
}

// Mode 0: copy, 1: commit_group, 2: wait_group, 3: wait_all.
void Operands::async_copy() {
  if (mods.empty() || mods[0] != "async" || has("bulk") || has("mbarrier")) fail("unsupported instruction");
  in.mode = has("commit_group") ? 1 : has("wait_group") ? 2 : has("wait_all") ? 3 : 0;
  if (in.mode == 2) src(a[0], T_B32);
  if (in.mode) return;
  need(3);
  Space to = SP_SHARED, from = SP_GLOBAL;
  d.address(a[0], in.base, in.off, to);
  d.address(a[1], in.base2, in.off2, from);
  in.n = (i32)constant(a[2], T_S32);
  if (in.n != 4 && in.n != 8 && in.n != 16) fail("cp.async size");
  if (has("cg") && in.n != 16) fail("cp.async.cg needs 16 bytes");
  const bool hint = has("L2::cache_hint");
  if (a.size() > (hint ? 4u : 3u)) {
    Ref* r = lookup(d.regs, trim(a[3]));
    if (r && r->cls() == RC_PRED) fail("cp.async ignore-src is not supported");
    src(a[3], T_B32);
  }
  in.sp = SP_GLOBAL;
  access(in.n);
  in.sp = SP_SHARED;
  access(in.n);
}

bool Operands::memory() {
  switch (in.op) {
    case O_ld:
    case O_ldu:
      need(2);
      dst(a[0], ct);
      d.address(a[1], in.base, in.off, in.sp);
      if (in.nd != in.vec) fail("operand count");
      access(tb * in.vec);
      if (in.access > WEAK && (in.sp == SP_GLOBAL || in.sp == SP_GENERIC)) d.k.order_dependent = true;
      break;
    case O_st:
      need(2);
      d.address(a[0], in.base, in.off, in.sp);
      src(a[1], in.t);
      if (in.ns != in.vec) fail("operand count");
      access(tb * in.vec);
      break;
    case O_atom:
    case O_red:
      atomic();
      break;
    case O_cp:
      async_copy();
      break;
    case O_ldmatrix:
      need(2);
      dst(a[0], RC_32);
      in.sp = SP_SHARED;
      d.address(a[1], in.base, in.off, in.sp);
      in.mode = has("trans");
      if (!has("m8n8") || !has("b16")) fail("unsupported ldmatrix shape");
      in.n = in.nd;
      if (in.n != (has("x4") ? 4 : has("x2") ? 2 : 1)) fail("operand count");
      access(16);
      break;
    case O_stmatrix:
      need(2);
      in.sp = SP_SHARED;
      d.address(a[0], in.base, in.off, in.sp);
      src(a[1], T_B32);
      in.mode = has("trans");
      if (!has("m8n8") || !has("b16")) fail("unsupported stmatrix shape");
      in.n = in.ns;
      access(16);
      break;
    default:
      return false;
  }
  return true;
}

}  // namespace ptxi
