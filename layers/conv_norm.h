// Convolution, BatchNorm and ReLU (Ioffe and Szegedy 2015), as one layer.
#pragma once

#include "engine/ops.h"
#include "layers/parameters.h"

namespace fermion::layers {

using engine::Feature;
using engine::Tape;

struct ConvNormOptions {
  std::int64_t in = 0, out = 0;
  int kernel = 3, stride = 1;
  bool relu = true;
  std::int64_t regions = 0;  // K > 0: a bank of K convolutions with weights of their own
  bool zero_gain = false;    // the layer starts as zero (the end of a residual branch)
};

// Training: the raw convolution and the batch's norm. Evaluation: gain and running statistics folded into
// weight and bias, once per version of the parameters, and a plain feature comes out.
class ConvNorm {
 public:
  ConvNorm(Parameters& parameters, const std::string& conv_path, const std::string& norm_path,
           ConvNormOptions options);

  // One or two inputs, side by side along the channels.
  Feature forward(Tape& tape, const std::vector<Feature>& inputs);

 private:
  void fold();

  Parameters& parameters_;
  std::string path_;
  ConvNormOptions options_;
  Tensor weight_, gain_, shift_;
  RunningStatistics& running_;
  Tensor folded_weight_, folded_bias_;
  std::int64_t folded_version_ = -1;
};

}  // namespace fermion::layers
