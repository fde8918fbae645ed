// The non-local part: attention over the whole face, which explores how significant each local region is.
#pragma once

#include "layers/conv_norm.h"
#include "layers/linear.h"

namespace fermion::layers {

// Non-local block, embedded Gaussian (Wang, Girshick, Gupta, He, CVPR 2018): theta, phi, g are 1x1
// convolutions to d = C / 2, y = softmax(theta phi^T / sqrt(d)) g over all positions, a 1x1 convolution back
// to C, a norm that starts at gain 0, residual add.
class NonLocalBlock {
 public:
  NonLocalBlock(Parameters& parameters, const std::string& path, std::int64_t channels);
  Tensor forward(Tape& tape, const Feature& x);

 private:
  std::string path_;
  Tensor qkv_;  // theta, phi, g stacked: [3d, 1, 1, C]
  ConvNorm out_;
};

struct NonLocalOptions {
  std::int64_t channels = 0;  // c
  int grid = 4;               // G, divides H / 4 and W / 4
  std::int64_t classes = 7;
};

class NonLocalNetwork {
 public:
  NonLocalNetwork(Parameters& parameters, const std::string& path, const NonLocalOptions& options);

  struct Output {
    Tensor weights;   // w: [N, K], mean 1
    Tensor features;  // g: [N, 4c]
    Tensor logits;    // n: [N, classes]
  };
  Output forward(Tape& tape, const Feature& x);  // [N, H, W, c]

 private:
  std::string path_;
  NonLocalOptions options_;
  ConvNorm conv1_, conv2_;
  NonLocalBlock block1_;
  ConvNorm conv3_;
  NonLocalBlock block2_;
  Tensor score_;  // [1, 1, 1, 4c]
  Linear head_;
};

}  // namespace fermion::layers
