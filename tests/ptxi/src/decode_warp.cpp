// Operands of barriers, and of the operations of a warp.
#include <cctype>
#include <string>

#include "operands.h"

namespace ptxi {

using std::string;

bool Operands::barrier() {
  switch (in.op) {
    case O_bar:
    case O_barrier: {
      // mode: 0 sync, 1 warp, 2 arrive, 3 red; n: reduction 1 popc, 2 and, 3 or
      if (has("cluster")) fail("cluster barriers are not supported");
      in.mode = has("warp") ? 1 : has("arrive") ? 2 : has("red") ? 3 : 0;
      in.n = has("popc") ? 1 : has("and") ? 2 : has("or") ? 3 : 0;
      in.aligned = in.op == O_bar || has("aligned");
      in.op = O_bar;
      size_t i = 0;
      if (in.mode == 3) dst(a[i++], in.n == 1 ? RC_32 : RC_PRED);
      for (; i < a.size(); i++) src(a[i], in.mode == 3 && i + 1 == a.size() ? T_PRED : T_B32);
      break;
    }
    default:
      return false;
  }
  return true;
}

bool Operands::warp() {
  switch (in.op) {
    case O_movmatrix:
      dst(a[0], RC_32);
      src(a[1], T_B32);
      break;
    case O_vote:
      need(2);
      in.mode = has("all") ? 0 : has("any") ? 1 : has("uni") ? 2 : 3;
      dst(a[0], in.mode == 3 ? RC_32 : RC_PRED);
      srcs(1, {T_PRED, T_B32});
      break;
    case O_match:
      need(3);
      in.mode = has("all");
      dst(a[0], RC_32);
      srcs(1, {in.t, T_B32});
      break;
    case O_activemask:
      need(1);
      dst(a[0], RC_32);
      break;
    case O_elect:
      need(2);
      dst(a[0], RC_32);
      src(a[1], T_B32);
      break;
    case O_shfl:
      need(4);
      in.mode = has("up") ? 0 : has("down") ? 1 : has("bfly") ? 2 : 3;
      dst(a[0], RC_32);
      srcs(1, {T_B32, T_B32, T_B32, T_B32});
      break;
    case O_redux: {
      need(3);
      static const char* const names[] = {"add", "min", "max", "and", "or", "xor"};
      for (u8 q = 0; q < 6; q++)
        if (has(names[q])) in.mode = q;
      if (in.t == T_F32) fail("unsupported redux type");
      dst(a[0], RC_32);
      srcs(1, {T_B32, T_B32});
      break;
    }
    default:
      return false;
  }
  return true;
}

bool Operands::matrix() {
  switch (in.op) {
    case O_mma: {
      need(4);
      dst(a[0], RC_32);
      for (int i = 1; i < 4; i++) src(a[i], T_B32);
      string shape;
      for (auto& x : mods)
        if (x[0] == 'm' && isdigit(x[1])) shape = x;
      if (!has("row") || !has("col") || types.size() != 4 || types[1] != types[2] || types[0] != types[3] ||
          has("sp"))
        fail("unsupported mma");
      in.t = types[0];
      in.t2 = types[1];
      in.k = shape == "m16n8k16" ? 16 : shape == "m16n8k8" ? 8 : shape == "m16n8k4" ? 4 : 0;
      bool ok = (in.t2 == T_BF16 && in.t == T_F32 && in.k >= 8) ||
                (in.t2 == T_F16 && (in.t == T_F32 || in.t == T_F16) && in.k >= 8) ||
                (in.t2 == T_TF32 && in.t == T_F32 && (in.k == 4 || in.k == 8));
      if (!ok) fail("unsupported mma shape or type");
      int per = in.t2 == T_TF32 ? 1 : 2, acc = in.t == T_F32 ? 4 : 2;
      if (in.nd != acc || in.ns != 16 * in.k / 32 / per + 8 * in.k / 32 / per + acc)
        fail("mma operand count");
      break;
    }
    default:
      return false;
  }
  return true;
}

}  // namespace ptxi
