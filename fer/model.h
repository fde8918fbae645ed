// The local non-local joint network (Shi, Mao, Gou, Yan, Jiao, Xiong, "Adaptively Enhancing Facial Expression
// Crucial Regions via a Local Non-local Joint Network", Machine Intelligence Research 21(2), 2024):
// docs/method.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "layers/non_local.h"
#include "layers/region_bank.h"
#include "layers/stem.h"
#include "layers/unet.h"

namespace fermion::fer {

using engine::Tape;
using engine::Tensor;

struct ModelConfig {
  std::string preset = "lnl-tiny";
  int size = 64;    // input H = W
  int width = 16;   // c
  int depth = 3;    // poolings of the U-Net
  int grid = 4;     // G; K = G^2 regions
  int overlap = 0;  // pixels that a region's window reaches beyond its cell
  int classes = 7;
  std::string local_input = "unet";  // unet or encoder0: what the local networks read
  double dropout = 0.5;
  // Ablations.
  bool unet = true;       // false: a plain stem of convolutions of about equal cost
  bool non_local = true;  // false: w = 1, no n and no g
  bool feedback = true;   // false: w does not multiply f
  bool local = true;      // false: no f and no l

  int regions() const { return grid * grid; }
};

// Far beyond what trains in a sensible time, and still within what a machine can allocate.
inline constexpr int largest_size = 1024, largest_channels = 8192, largest_depth = 8, largest_grid = 32,
                     most_classes = 1000;

std::vector<std::string> preset_names();
// Throws with the names there are.
ModelConfig preset(const std::string& name);
// Throws with what does not fit: size by depth and grid, nothing left to join; or is absurdly large.
void check(const ModelConfig& config);

// Calls visit(key, member, meaning) for every option: the one list behind files, command line and
// checkpoints.
template <class Config, class Visit>
void each_option(Config& c, Visit&& visit) requires std::is_same_v<std::remove_const_t<Config>, ModelConfig> {
  visit("preset", c.preset, "lnl-tiny, lnl-48, lnl-base or lnl-large; sets size, width, depth and grid");
  visit("size", c.size, "side of the input in pixels");
  visit("width", c.width, "channels of the features at full resolution");
  visit("depth", c.depth, "poolings of the U-Net");
  visit("grid", c.grid, "the face is cut into grid x grid regions");
  visit("overlap", c.overlap, "pixels that a region reaches beyond its cell");
  visit("classes", c.classes, "expressions; in training those of the faces");
  visit("local_input", c.local_input, "what the local networks read: unet or encoder0, its first level");
  visit("dropout", c.dropout, "share of the joint head's inputs that a step leaves out");
  visit("unet", c.unet, "false: a plain stem of convolutions instead");
  visit("non_local", c.non_local, "false: every region counts the same");
  visit("feedback", c.feedback, "false: the weights do not reach the local features");
  visit("local", c.local, "false: without the local networks");
}

class Model {
 public:
  Model(layers::Parameters& parameters, const ModelConfig& config);

  const ModelConfig& config() const { return config_; }

  struct Output {
    engine::Feature features;  // F: [B, H, W, c]
    Tensor weights;            // w: [B, K], mean 1; undefined without the non-local part
    Tensor local_logits;       // l: [K, B, classes]; undefined without the local part
    Tensor non_local_logits;   // n: [B, classes]; undefined without the non-local part
    Tensor joint_logits;       // j: [B, classes]
  };
  Output forward(Tape& tape, const Tensor& images);  // [B, size, size, 3], standardised

 private:
  ModelConfig config_;
  std::optional<layers::UNet> unet_;
  std::optional<layers::PlainStem> stem_;
  std::optional<layers::RegionBank> local_;
  std::optional<layers::NonLocalNetwork> non_local_;
  layers::Linear head_;
};

struct LossOptions {
  float non_local = 0.5f, local = 0.5f, tau = 0.1f;
  float label_smoothing = 0;
  Tensor class_weights;  // [classes] or undefined
};

// CE(j, y) + 0.5 CE(n, y) + 0.5 mean_k(w_k CE(l_k, y)) + tau sum_k q_k ln q_k, q = w / K; means over the
// batch.
struct Loss {
  Tensor total;
  Tensor joint, non_local, local,
      entropy;  // the terms before their factors; undefined where the part is missing
};
Loss loss(Tape& tape, const Model::Output& output, const Tensor& targets, const LossOptions& options);

}  // namespace fermion::fer
