// What executes an instruction, by kind. Each runs it for the lanes in the mask.
#pragma once

#include "block.h"

namespace ptxi {

// Handlers defined in the other files
void h_generic(Warp&, const Instruction&, u32);  // alu.cpp: any arithmetic instruction, lane by lane
void h_ld(Warp&, const Instruction&, u32);
void h_st(Warp&, const Instruction&, u32);
void h_atom(Warp&, const Instruction&, u32);
void h_cp_async(Warp&, const Instruction&, u32);
void h_ldmatrix(Warp&, const Instruction&, u32);
void h_stmatrix(Warp&, const Instruction&, u32);
void h_movmatrix(Warp&, const Instruction&, u32);
void h_mma(Warp&, const Instruction&, u32);
void h_shfl(Warp&, const Instruction&, u32);
void h_vote(Warp&, const Instruction&, u32);
void h_match(Warp&, const Instruction&, u32);
void h_redux(Warp&, const Instruction&, u32);
void h_elect(Warp&, const Instruction&, u32);
void h_activemask(Warp&, const Instruction&, u32);
void h_printf(Warp&, const Instruction&, u32);
void h_assert(Warp&, const Instruction&, u32);
void h_trap(Warp&, const Instruction&, u32);
void h_fence(Warp&, const Instruction&, u32);
void h_nop(Warp&, const Instruction&, u32);

}  // namespace ptxi
