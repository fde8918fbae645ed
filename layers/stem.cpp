#include "layers/stem.h"

namespace fermion::layers {
namespace {

// Multiply-adds of a U-Net per full-resolution pixel, in units of one 3x3 convolution c -> c (9 c^2), its
// first one left out. Encoder level i > 0 has (2^(i-1) 2^i + 4^i) / 4^i = 1.5 units, level 0 one; a decoder
// level of width 2^i c has (2^(i+1) 2^i + 4^i) / 4^i = 3, and its 2x2 transposed convolution 2 / 9.
int convs_of_equal_cost(int depth) {
  return static_cast<int>(1 + depth * (1.5 + 3 + 2.0 / 9) + 0.5);
}

}  // namespace

PlainStem::PlainStem(Parameters& parameters, const std::string& path, std::int64_t in, std::int64_t width,
                     int depth) {
  const int count = 1 + convs_of_equal_cost(depth);
  for (int i = 0; i < count; ++i)
    convs_.emplace_back(parameters, fmt::format("{}.conv{}", path, i + 1),
                        fmt::format("{}.norm{}", path, i + 1),
                        ConvNormOptions{.in = i == 0 ? in : width, .out = width});
}

PlainStem::Output PlainStem::forward(Tape& tape, const Tensor& x) {
  Output out;
  out.features = Feature(x);
  for (std::size_t i = 0; i < convs_.size(); ++i) {
    out.features = convs_[i].forward(tape, {out.features});
    if (i == 1) out.first = out.features;
  }
  return out;
}

}  // namespace fermion::layers
