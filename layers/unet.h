// U-Net (Ronneberger, Fischer, Brox, MICCAI 2015) with BatchNorm: features that join deep semantics and
// low-level detail.
#pragma once

#include <deque>

#include "layers/conv_norm.h"

namespace fermion::layers {

// Two (3x3 convolution, norm, ReLU).
class DoubleConv {
 public:
  DoubleConv(Parameters& parameters, const std::string& path, std::int64_t in, std::int64_t out);
  Feature forward(Tape& tape, const std::vector<Feature>& inputs);

 private:
  ConvNorm conv1_, conv2_;
};

// `depth` poolings: encoder levels of width c, 2c, ..., 2^depth c, 2x2 max-pool between; a decoder that
// halves the width with 2x2 transposed convolutions and joins the encoder's level of the same size, skip
// first.
class UNet {
 public:
  UNet(Parameters& parameters, const std::string& path, std::int64_t in, std::int64_t width, int depth);

  struct Output {
    Feature features;  // [N, H, W, c], the decoder's last level
    Feature encoder0;  // [N, H, W, c], the first, truly local level
  };
  // x: [N, H, W, in]; H and W are multiples of 2^depth.
  Output forward(Tape& tape, const Tensor& x);

 private:
  struct Up {
    std::string path;
    Tensor weight;  // [Co, 2, 2, 2 Co]
    DoubleConv convs;
  };
  std::string path_;
  std::deque<DoubleConv> encoder_;
  std::deque<Up> decoder_;
};

}  // namespace fermion::layers
