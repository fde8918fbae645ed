#include "fer/model.h"

namespace fermion::fer {
namespace {

using engine::Error;

struct Preset {
  const char* name;
  int size, width, depth, grid;
};
constexpr Preset presets[] = {{"lnl-tiny", 64, 16, 3, 4},
                              {"lnl-48", 48, 16, 3, 4},
                              {"lnl-base", 112, 32, 4, 4},
                              {"lnl-large", 224, 64, 4, 4}};

constexpr std::int64_t largest_map = 1 << 26;  // values of an image at full resolution

// Inputs of the joint head: [w_1 f_1, ..., w_K f_K, g].
std::int64_t joint_width(const ModelConfig& c) {
  return 4 * c.width * ((c.local ? c.regions() : 0) + (c.non_local ? 1 : 0));
}

}  // namespace

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const Preset& p : presets) names.emplace_back(p.name);
  return names;
}

ModelConfig preset(const std::string& name) {
  for (const Preset& p : presets) {
    if (name != p.name) continue;
    ModelConfig config;
    config.preset = name;
    config.size = p.size;
    config.width = p.width;
    config.depth = p.depth;
    config.grid = p.grid;
    return config;
  }
  throw Error("unknown preset '{}'; there are {}", name, fmt::join(preset_names(), ", "));
}

void check(const ModelConfig& c) {
  if (c.width < 1 || c.depth < 1 || c.depth > largest_depth || c.grid < 1 || c.overlap < 0 || c.classes < 2)
    throw Error(
        "the network needs width >= 1, 1 <= depth <= {}, grid >= 1, overlap >= 0 and at least 2 classes",
        largest_depth);
  if (c.size > largest_size || c.width > largest_channels || c.grid > largest_grid ||
      c.classes > most_classes || c.overlap > c.size)
    throw Error("size is at most {}, width {}, grid {}, classes {}, overlap the size", largest_size,
                largest_channels, largest_grid, most_classes);
  if (c.width > largest_channels >> c.depth)
    throw Error("width {} and depth {} make {} channels, more than {}; lower one of them", c.width, c.depth,
                std::int64_t{c.width} << c.depth, largest_channels);
  if (std::int64_t{c.size} * c.size * c.width > largest_map)
    throw Error("size {} and width {} make maps of {} values, more than {}; lower one of them", c.size,
                c.width, std::int64_t{c.size} * c.size * c.width, largest_map);
  if (c.size < 8) throw Error("an input size of {} is too small; it is at least 8", c.size);
  if (c.size % (1 << c.depth) != 0)
    throw Error("input size {} is not a multiple of 2^depth = {}", c.size, 1 << c.depth);
  if (c.size % 4 != 0 || (c.size / 4) % c.grid != 0)
    throw Error("grid {} does not divide a quarter of the input size {}; choose a divisor of {}", c.grid,
                c.size, c.size / 4);
  if (c.overlap > 0 && c.size / c.grid + 2 * std::int64_t{c.overlap} > c.size)
    throw Error("overlap {} makes regions larger than the face; it is at most {}", c.overlap,
                (c.size - c.size / c.grid) / 2);
  if (!c.local && !c.non_local)
    throw Error("without the local and without the non-local part nothing is left to classify with");
  if (c.local_input != "unet" && c.local_input != "encoder0")
    throw Error("local_input is unet or encoder0, not '{}'", c.local_input);
  if (!c.non_local && c.local_input == "encoder0")
    throw Error(
        "with non_local=false and local_input=encoder0 nothing reads past the first level; change one of "
        "them");
  if (!(c.dropout >= 0 && c.dropout < 1)) throw Error("dropout {} is not in [0, 1)", c.dropout);
}

Model::Model(layers::Parameters& parameters, const ModelConfig& config)
    : config_((check(config), config)),
      unet_(config.unet ? std::optional<layers::UNet>(std::in_place, parameters, "unet", 3, config.width,
                                                      config.depth)
                        : std::nullopt),
      stem_(config.unet ? std::nullopt
                        : std::optional<layers::PlainStem>(std::in_place, parameters, "stem", 3, config.width,
                                                           config.depth)),
      local_(config.local
                 ? std::optional<layers::RegionBank>(
                       std::in_place, parameters, "local",
                       layers::RegionBankOptions{config.width, config.grid, config.overlap, config.classes})
                 : std::nullopt),
      non_local_(config.non_local ? std::optional<layers::NonLocalNetwork>(
                                        std::in_place, parameters, "non_local",
                                        layers::NonLocalOptions{config.width, config.grid, config.classes})
                                  : std::nullopt),
      head_(parameters, "head", joint_width(config), config.classes) {}

Model::Output Model::forward(Tape& tape, const Tensor& images) {
  const engine::Shape& s = images.shape();
  if (s.rank() != 4 || s[1] != config_.size || s[2] != config_.size || s[3] != 3)
    throw Error("the network reads images [B, {0}, {0}, 3], not {1}", config_.size, s.text());
  Output out;
  engine::Feature first;
  if (unet_) {
    const layers::UNet::Output levels = unet_->forward(tape, images);
    out.features = levels.features;
    first = levels.encoder0;
  } else {
    const layers::PlainStem::Output levels = stem_->forward(tape, images);
    out.features = levels.features;
    first = levels.first;
  }
  Tensor f, g;
  if (local_) {
    const layers::RegionBank::Output local =
        local_->forward(tape, config_.local_input == "unet" ? out.features : first);
    f = local.features;
    out.local_logits = local.logits;
  }
  if (non_local_) {
    const layers::NonLocalNetwork::Output global = non_local_->forward(tape, out.features);
    g = global.features;
    out.weights = global.weights;
    out.non_local_logits = global.logits;
  }
  const auto scope = tape.scope("head");
  const Tensor z = region_join(tape, f, config_.feedback ? out.weights : Tensor(), g);
  out.joint_logits = head_.forward(tape, dropout(tape, z, static_cast<float>(config_.dropout)));
  return out;
}

Loss loss(Tape& tape, const Model::Output& output, const Tensor& targets, const LossOptions& options) {
  const auto scope = tape.scope("loss");
  const engine::CrossEntropyOptions plain{options.label_smoothing, options.class_weights, {}};
  Loss loss;
  loss.joint = softmax_cross_entropy(tape, output.joint_logits, targets, plain);
  std::vector<Tensor> terms{loss.joint};
  std::vector<float> factors{1};
  const auto add = [&](const Tensor& term, float factor) {
    terms.push_back(term);
    factors.push_back(factor);
  };
  if (output.non_local_logits) {
    loss.non_local = softmax_cross_entropy(tape, output.non_local_logits, targets, plain);
    add(loss.non_local, options.non_local);
  }
  if (output.local_logits) {
    loss.local = softmax_cross_entropy(tape, output.local_logits, targets,
                                       {options.label_smoothing, options.class_weights, output.weights});
    add(loss.local, options.local);
  }
  if (output.weights) {
    loss.entropy = region_entropy(tape, output.weights);
    add(loss.entropy, options.tau);
  }
  loss.total = weighted_sum(tape, terms, factors);
  return loss;
}

}  // namespace fermion::fer
