// Does the network find the crucial regions? Numbers for what is usually shown as pictures.
#pragma once

#include <array>
#include <nlohmann/json_fwd.hpp>

#include "fer/evaluation.h"
#include "fer/synth_faces.h"

namespace fermion::fer {

struct RegionAuc {
  double value = 0;     // of the region weights
  double mean_map = 0;  // of the mean truth map of training faces, which knows nothing of the face at hand
  double expression_map = 0;  // of the mean truth map of training faces of the face's true expression
  std::int64_t faces = 0;
};

struct CrucialRegions {
  RegionAuc all;
  std::array<RegionAuc, synth_expressions> by_expression;  // neutral's has no faces
};

// Drawn faces only, whose truth is known (fer/synth_faces.h): ROC AUC of w against each face's crucial cells,
// averaged over the faces that are not neutral and have other cells besides; of a coarse grid that may be few
// or none. The maps are those of the first `map_faces` training faces.
CrucialRegions region_auc(const Predictions& predictions, const Split& test, std::uint64_t seed, int size,
                          int grid, int threads, int map_faces = 1000);

struct Deletion {
  double baseline = 0;         // accuracy on the faces as they are
  double top = 0, random = 0;  // how far it drops, as a share
  int regions = 0;             // K / 4 filled with the image's mean
  std::int64_t images = 0;
};

// Fills the K / 4 regions of highest weight and, as control, five random draws of as many, on the first 500
// faces. K >= 4, so that a quarter is a region at least.
Deletion deletion_test(Model& model, engine::Device& device, const Preprocessing& preprocessing,
                       const Split& split, const Predictions& predictions, std::uint64_t seed);

nlohmann::json to_json(const CrucialRegions& auc);
nlohmann::json to_json(const Deletion& deletion);

}  // namespace fermion::fer
