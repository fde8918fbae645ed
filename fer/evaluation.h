// Running a model over faces without learning.
#pragma once

#include <functional>
#include <span>

#include "fer/dataset.h"
#include "fer/metrics.h"
#include "fer/model.h"
#include "fer/network_input.h"

namespace fermion::fer {

struct Predictions {
  std::int64_t faces = 0;
  int classes = 0, regions = 0;
  std::vector<float> probabilities;  // [faces, classes]
  std::vector<float> weights;        // [faces, regions], mean 1; all ones without the non-local part

  std::span<const float> probabilities_of(std::int64_t face) const;
  std::span<const float> weights_of(std::int64_t face) const;
  int label_of(std::int64_t face) const;  // the most probable class
};

// Faces `count` of u8 [size, size, 3], which `read` writes one by one.
using ReadFace = std::function<void(std::int64_t face, std::span<std::uint8_t> rgb)>;
Predictions predict(Model& model, engine::Device& device, const Preprocessing& preprocessing,
                    std::int64_t count, const ReadFace& read, int batch = 64);
Predictions predict(Model& model, engine::Device& device, const Preprocessing& preprocessing,
                    const Split& split, int batch = 64);

// Of a split whose samples all have a label.
std::vector<int> labels_of(const Split& split);
Metrics measure(const Predictions& predictions, const Split& split);
// Mean of -ln p(label).
double cross_entropy(const Predictions& predictions, const std::vector<int>& labels);
// Mean over the faces, and over the faces of each class: [classes][regions]. A class without faces is all
// ones.
std::vector<float> mean_weights(const Predictions& predictions);
std::vector<std::vector<float>> mean_weights_by_class(const Predictions& predictions,
                                                      const std::vector<int>& labels);
// Mean over the faces of -sum q ln q, q = w / K.
double weights_entropy(const Predictions& predictions);

}  // namespace fermion::fer
