// The local part: an ensemble of K = G x G local networks, one per region of the face, run as one bank.
#pragma once

#include "layers/conv_norm.h"
#include "layers/linear.h"

namespace fermion::layers {

struct RegionBankOptions {
  std::int64_t channels = 0;  // c
  int grid = 4;               // G
  int overlap = 0;            // pixels that a window reaches beyond its cell
  std::int64_t classes = 7;
};

// Per region: (3x3 c -> 2c, norm, ReLU, max-pool), (3x3 2c -> 4c, norm, ReLU, max-pool), (3x3 4c -> 4c, norm,
// ReLU), global average pool, linear head.
class RegionBank {
 public:
  RegionBank(Parameters& parameters, const std::string& path, const RegionBankOptions& options);

  struct Output {
    Tensor features;  // f: [K, N, 4c]
    Tensor logits;    // l: [K, N, classes]
  };
  Output forward(Tape& tape, const Feature& x);  // [N, H, W, c]

 private:
  std::string path_;
  RegionBankOptions options_;
  ConvNorm conv1_, conv2_, conv3_;
  Linear head_;
};

}  // namespace fermion::layers
