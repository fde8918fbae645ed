// fer data DIR: what a folder holds and what of it would be used.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "fer/dataset.h"

namespace fermion::fer {

struct DataOptions {
  std::filesystem::path folder;
  bool json = false;
  DatasetOptions dataset;
};

// Prints the inventory to stdout, as a table or as one JSON object, and returns 0, or 1 for a set that
// training refuses. Throws engine::Error if the folder holds no known set.
int data_command(const DataOptions& options);

// dataset, folder, classes; splits (as published) and used: {split: {class: images with that label}}; images
// and used_images: {split: all}; no_majority and used_no_majority: {split: those without a label}; unused:
// {split: {reason: images}} (Unused); readable; copies: {distinct, identical, across: [{splits, groups}],
// dropped_from_train};
// subjects, skipped: [{path, reason}], problems: [text], refusals: [text].
nlohmann::json inventory_json(const Dataset& dataset);

// What a run's report says of the faces that were used (the field `data` in fer/report.h).
nlohmann::json report_data(const Dataset& dataset);

std::string inventory_table(const Dataset& dataset);

}  // namespace fermion::fer
