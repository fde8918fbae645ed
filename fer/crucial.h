// Does the network find the crucial regions? Numbers for what is usually shown as pictures.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "fer/evaluation.h"

namespace fermion::fer {

struct RegionAuc {
  double value = 0;     // of the region weights
  double mean_map = 0;  // of the mean truth map of training faces, which knows nothing of the face at hand
  std::int64_t faces = 0;
};

// Drawn faces only, whose truth is known (fer/synth_faces.h): ROC AUC of w against each face's crucial cells,
// averaged over the faces that are not neutral. The mean map is that of the first `map_faces` training faces.
RegionAuc region_auc(const Predictions& predictions, const Split& test, std::uint64_t seed, int size,
                     int grid, int threads, int map_faces = 1000);

struct Deletion {
  double baseline = 0;         // accuracy on the faces as they are
  double top = 0, random = 0;  // how far it drops, as a share
  int regions = 0;             // K / 4 filled with the image's mean
  std::int64_t images = 0;
};

// Fills the K / 4 regions of highest weight and, as control, five random draws of as many, on the first 500
// faces.
Deletion deletion_test(Model& model, engine::Device& device, const Preprocessing& preprocessing,
                       const Split& split, const Predictions& predictions, std::uint64_t seed);

nlohmann::json to_json(const RegionAuc& auc);
nlohmann::json to_json(const Deletion& deletion);

}  // namespace fermion::fer
