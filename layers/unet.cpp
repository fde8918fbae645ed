#include "layers/unet.h"

namespace fermion::layers {

DoubleConv::DoubleConv(Parameters& parameters, const std::string& path, std::int64_t in, std::int64_t out)
    : conv1_(parameters, path + ".conv1", path + ".norm1", {.in = in, .out = out}),
      conv2_(parameters, path + ".conv2", path + ".norm2", {.in = out, .out = out}) {}

Feature DoubleConv::forward(Tape& tape, const std::vector<Feature>& inputs) {
  return conv2_.forward(tape, {conv1_.forward(tape, inputs)});
}

UNet::UNet(Parameters& parameters, const std::string& path, std::int64_t in, std::int64_t width, int depth)
    : path_(path) {
  for (int level = 0; level <= depth; ++level)
    encoder_.emplace_back(parameters, fmt::format("{}.enc.{}", path, level),
                          level == 0 ? in : width << (level - 1), width << level);
  for (int i = 0; i < depth; ++i) {
    const std::int64_t out = width << (depth - 1 - i);
    const std::string name = fmt::format("{}.dec.{}", path, i);
    const Tensor up = parameters.add(name + ".up.weight", {out, 2, 2, 2 * out}, Init::uniform, 2 * out, true);
    decoder_.push_back({name, up, DoubleConv(parameters, name, 2 * out, out)});
  }
}

UNet::Output UNet::forward(Tape& tape, const Tensor& x) {
  const auto outer = tape.scope(path_);
  std::vector<Feature> levels;
  for (std::size_t i = 0; i < encoder_.size(); ++i) {
    const auto scope = tape.scope(fmt::format("{}.enc.{}", path_, i));
    levels.push_back(
        encoder_[i].forward(tape, {i == 0 ? Feature(x) : Feature(max_pool2d(tape, levels.back()))}));
  }
  Feature deep = levels.back();
  for (std::size_t i = 0; i < decoder_.size(); ++i) {
    const auto scope = tape.scope(decoder_[i].path);
    Tensor up;
    {
      const auto up_scope = tape.scope(decoder_[i].path + ".up");
      up = conv_transpose2d(tape, deep, decoder_[i].weight);
    }
    deep = decoder_[i].convs.forward(tape, {levels[levels.size() - 2 - i], up});
  }
  return {deep, levels.front()};
}

}  // namespace fermion::layers
