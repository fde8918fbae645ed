// The class that an instruction is counted in.

#include "program.h"

namespace ptxi {

InstClass classify(const Instruction& in) {
  auto by_type = [&](Type t) {
    switch (t) {
      case T_F32:
        return C_FP32;
      case T_F64:
        return C_FP64;
      case T_F16:
      case T_BF16:
      case T_F16X2:
      case T_BF16X2:
        return C_HALF;
      default:
        return C_INT;
    }
  };
  switch (in.op) {
    case O_mov:
    case O_cvta:
      return C_MOV;
    case O_cvt:
      return C_CVT;
    case O_ld:
    case O_ldu:
    case O_st:
    case O_atom:
    case O_red:
    case O_cp:
    case O_ldmatrix:
    case O_stmatrix:
    case O_prefetch:
    case O_prefetchu:
      return C_LDST;
    case O_bra:
    case O_brx:
    case O_ret:
    case O_exit:
      return C_BRANCH;
    case O_mma:
      return C_MMA;
    case O_sqrt:
    case O_rsqrt:
    case O_rcp:
    case O_ex2:
    case O_lg2:
    case O_sin:
    case O_cos:
    case O_tanh:
      return in.t == T_F64 ? C_FP64 : C_SFU;
    case O_div:
      return in.t == T_F32 ? C_SFU : by_type(in.t);
    case O_setp:
    case O_set:
      return by_type(in.t2);
    case O_bar:
    case O_membar:
    case O_fence:
    case O_shfl:
    case O_vote:
    case O_match:
    case O_activemask:
    case O_redux:
    case O_elect:
    case O_movmatrix:
    case O_trap:
    case O_brkpt:
    case O_nanosleep:
    case O_discard:
    case O_createpolicy:
    case O_griddepcontrol:
    case O_applypriority:
    case O_pmevent:
    case O_vprintf_:
    case O_assertfail_:
      return C_OTHER;
    default:
      return by_type(in.t);
  }
}

}  // namespace ptxi
