#include "layers/region_bank.h"

namespace fermion::layers {
namespace {

ConvNorm bank_conv(Parameters& parameters, const std::string& path, int i, std::int64_t in, std::int64_t out,
                   int grid) {
  return {parameters,
          fmt::format("{}.conv{}", path, i),
          fmt::format("{}.norm{}", path, i),
          {.in = in, .out = out, .regions = grid * grid}};
}

}  // namespace

RegionBank::RegionBank(Parameters& parameters, const std::string& path, const RegionBankOptions& options)
    : path_(path),
      options_(options),
      conv1_(bank_conv(parameters, path, 1, options.channels, 2 * options.channels, options.grid)),
      conv2_(bank_conv(parameters, path, 2, 2 * options.channels, 4 * options.channels, options.grid)),
      conv3_(bank_conv(parameters, path, 3, 4 * options.channels, 4 * options.channels, options.grid)),
      head_(parameters, path + ".head", 4 * options.channels, options.classes, options.grid * options.grid) {}

RegionBank::Output RegionBank::forward(Tape& tape, const Feature& x) {
  const auto scope = tape.scope(path_);
  const Tensor windows = region_split(tape, x, options_.grid, options_.overlap);
  const Tensor half = max_pool2d(tape, conv1_.forward(tape, {windows}));
  const Tensor quarter = max_pool2d(tape, conv2_.forward(tape, {half}));
  const Tensor pooled = average_pool(tape, conv3_.forward(tape, {quarter}), 1);
  const Tensor features = pooled.reshape({pooled.shape()[0], pooled.shape()[1], pooled.shape()[-1]});
  return {features, head_.forward(tape, features)};
}

}  // namespace fermion::layers
