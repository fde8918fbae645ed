// Fully connected layer, y = x weight^T + bias, or a bank of K of them.
#pragma once

#include "engine/ops.h"
#include "layers/parameters.h"

namespace fermion::layers {

class Linear {
 public:
  // regions > 0: x is [K, B, in], with weights of its own for every k.
  Linear(Parameters& parameters, const std::string& path, std::int64_t in, std::int64_t out,
         std::int64_t regions = 0)
      : path_(path),
        weight_(parameters.add(path + ".weight", regions > 0 ? Shape{regions, out, in} : Shape{out, in},
                               Init::uniform, in, true)),
        bias_(parameters.add(path + ".bias", regions > 0 ? Shape{regions, out} : Shape{out}, Init::zero, in,
                             false)) {}

  Tensor forward(engine::Tape& tape, const Tensor& x) const {
    const auto scope = tape.scope(path_);
    return engine::linear(tape, x, weight_, bias_);
  }

 private:
  std::string path_;
  Tensor weight_, bias_;
};

}  // namespace fermion::layers
