// What stands in for the U-Net in its ablation: a plain stack of convolutions at full resolution.
#pragma once

#include <deque>

#include "layers/conv_norm.h"

namespace fermion::layers {

// 3x3 convolutions (in -> c, then c -> c), each with norm and ReLU, as many as cost about the multiply-adds
// of a UNet of the same width and depth.
class PlainStem {
 public:
  PlainStem(Parameters& parameters, const std::string& path, std::int64_t in, std::int64_t width, int depth);

  struct Output {
    Feature features;  // [N, H, W, c]
    Feature first;     // [N, H, W, c], after two convolutions like the U-Net's first level
  };
  Output forward(Tape& tape, const Tensor& x);

 private:
  std::deque<ConvNorm> convs_;
};

}  // namespace fermion::layers
