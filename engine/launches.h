// What the calls of ops launch on CUDA, in order, and the least that each launch must move and compute
// (kernels/work.h): from ops and shapes alone, without a device. A test compares them with what the
// interpreter launches.
#pragma once

#include <string>
#include <vector>

#include "engine/shape.h"
#include "kernels/work.h"

namespace fermion::engine {

struct Launch {
  std::string kernel;
  kernels::Work work;
  bool tensor_cores = false;  // where the flops are made; else on the CUDA cores
  double scratch = 0;         // bytes of sums of parts that it leaves in the workspace or reads there
  double fill = 0;            // on tensor cores, but of images: tiles / (rounds x tiles that fit at a time)
  std::string tiles = {};     // of the same: how it is cut, in words
};

// What an op reads or writes.
struct OperandInfo {
  bool defined = true;
  Shape shape = {};
  bool norm = false;     // of a feature
  bool wanted = false;   // its gradient
  bool arrived = false;  // that gradient is there already: the backward adds to it
};

// A call of an op, as the tape tells an observer of it (Operands::all()).
struct OpCall {
  std::string op;
  bool backward = false;
  DType dtype = DType::bf16;  // of activations
  std::vector<OperandInfo> inputs = {};
  OperandInfo output = {};
  int multiprocessors = 0;  // of the device; they decide which sums are made in parts, and put together later
};

// Throws for an op that it does not know.
std::vector<Launch> launches_of(const OpCall& call);

// Of an optimiser's step over so many numbers of parameters and channels of norms. (Of up to 400 parameters
// and 96 norms, which no network here has more of.)
std::vector<Launch> optimizer_launches(bool adamw, std::int64_t numbers, std::int64_t channels);

}  // namespace fermion::engine
