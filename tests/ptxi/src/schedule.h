// Lanes of a warp that execute an instruction together, and what becomes of them.
#pragma once

#include "block.h"

namespace ptxi {

struct Step {
  Block& block;
  Warp& warp;
  const Instruction& in;
  int pc;
  u32 group, lanes;  // the lanes that are at the instruction; those of them whose predicate holds
};

enum Outcome {
  ADVANCED,  // all go on with the next instruction
  SPLIT,     // they are where Warp::pc says
  PARKED     // they wait for others
};

// Operations of a whole warp or of the lanes that a mask names (warp_meeting.cpp).
bool warp_barrier(const Instruction& in);
Outcome meet_at_warp_barrier(const Step& step);
Outcome run_full_warp(const Step& step);
Outcome run_masked(const Step& step);
Outcome park(const Step& step);
// Of lanes parked at such an operation: whether they have to wait for others that are still alive.
bool waits_for_others(Warp& w, const Instruction& in, u32 group);
// Where nothing else of the warp can go on: lanes parked at a bar.warp.sync that have other masks than those
// they wait for there. True if there are such; they are reported and go on.
bool different_masks(Block& b, Warp& w);

}  // namespace ptxi
