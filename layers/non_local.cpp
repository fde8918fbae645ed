#include "layers/non_local.h"

namespace fermion::layers {

NonLocalBlock::NonLocalBlock(Parameters& parameters, const std::string& path, std::int64_t channels)
    : path_(path),
      qkv_(parameters.add(path + ".qkv.weight", {channels / 2 * 3, 1, 1, channels}, Init::uniform, channels,
                          true)),
      out_(parameters, path + ".out", path + ".norm",
           {.in = channels / 2, .out = channels, .kernel = 1, .relu = false, .zero_gain = true}) {}

Tensor NonLocalBlock::forward(Tape& tape, const Feature& x) {
  Tensor joined;
  {
    const auto scope = tape.scope(path_ + ".qkv");
    joined = conv2d(tape, {x}, qkv_, {}).y;
  }
  const auto scope = tape.scope(path_);
  return residual_add(tape, out_.forward(tape, {attention(tape, joined)}), x);
}

NonLocalNetwork::NonLocalNetwork(Parameters& parameters, const std::string& path,
                                 const NonLocalOptions& options)
    : path_(path),
      options_(options),
      conv1_(parameters, path + ".conv1", path + ".norm1",
             {.in = options.channels, .out = 2 * options.channels, .stride = 2}),
      conv2_(parameters, path + ".conv2", path + ".norm2",
             {.in = 2 * options.channels, .out = 4 * options.channels, .stride = 2}),
      block1_(parameters, path + ".block1", 4 * options.channels),
      conv3_(parameters, path + ".conv3", path + ".norm3",
             {.in = 4 * options.channels, .out = 4 * options.channels}),
      block2_(parameters, path + ".block2", 4 * options.channels),
      score_(parameters.add(path + ".score.weight", {1, 1, 1, 4 * options.channels}, Init::uniform,
                            4 * options.channels, true)),
      head_(parameters, path + ".head", 4 * options.channels, options.classes) {}

NonLocalNetwork::Output NonLocalNetwork::forward(Tape& tape, const Feature& x) {
  const auto scope = tape.scope(path_);
  const Tensor first = block1_.forward(tape, conv2_.forward(tape, {conv1_.forward(tape, {x})}));
  const Tensor last = block2_.forward(tape, conv3_.forward(tape, {first}));
  const std::int64_t N = last.shape()[0];
  Tensor scores = average_pool(tape, last, options_.grid);
  {
    const auto score_scope = tape.scope(path_ + ".score");
    scores = conv2d(tape, {scores}, score_, {}).y;
  }
  const Tensor features = average_pool(tape, last, 1).reshape({N, last.shape()[-1]});
  return {region_softmax(tape, scores.reshape({N, std::int64_t{options_.grid} * options_.grid})), features,
          head_.forward(tape, features)};
}

}  // namespace fermion::layers
