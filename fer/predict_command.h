// fer predict: what a network sees in pictures.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "fer/checkpoint.h"
#include "fer/picture_files.h"
#include "fer/predictions.h"

namespace fermion::fer {

struct PredictOptions {
  std::filesystem::path model;  // checkpoint; empty: newest_checkpoint("runs")
  std::vector<std::filesystem::path> inputs;
  std::optional<Box> box;         // the face in each picture; all of it if there is none
  std::filesystem::path overlay;  // folder; empty: none
  std::filesystem::path csv;      // file; empty: none
  Compute compute;
  bool json = false;
};

// "x,y,width,height". Throws UsageError.
Box parse_box(const std::string& text);

// The youngest RUNS/*/best.safetensors. Throws Error, naming `make train`, when there is none.
std::filesystem::path newest_checkpoint(const std::filesystem::path& runs);

// Predictions in the order of find_pictures, each face cut to the box and fitted as in training. Overlays
// (overlay_paths) show what the network looked at, at up to 480 px. A picture that cannot be read, or has
// fewer than smallest_face px a side, is left out, noted as failed, and `complain` hears why, as it does of
// an overlay that cannot be written; `warn` hears of the doubts about the others. Throws UsageError, before
// anything is written, when an overlay or the CSV would overwrite one of the pictures, or the CSV the model,
// and Error, before anything is predicted, when the folder for overlays cannot be made.
PicturePredictions predict_pictures(ReadyModel& model, const PredictOptions& options, const Complain& warn,
                                    const Complain& complain);

// Prints the table, or with `json` the object, to stdout, unless the CSV goes there, complaints to stderr,
// and returns 1 if there was a failure, else 0. Throws UsageError when both object and CSV would go to
// stdout.
int predict_command(const PredictOptions& options);

}  // namespace fermion::fer
