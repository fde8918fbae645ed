// What a network said of pictures, as JSON, CSV and a table.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace fermion::fer {

struct PicturePrediction {
  std::string path;
  int label = 0;                     // the most probable class
  std::vector<float> probabilities;  // [classes]
  std::vector<float> weights;        // [G * G], rows from the top, mean 1
};

struct FailedPicture {
  std::string path;  // of a picture or a folder
  std::string error;
};

struct PicturePredictions {
  std::vector<std::string> classes;
  int grid = 0;
  std::vector<PicturePrediction> images;
  std::vector<FailedPicture> failed;
};

// {images: [{path, label, probabilities: {class: p}, regions: G rows of G weights}], failed: [{path,
// error}]}, nothing rounded.
nlohmann::ordered_json to_json(const PicturePredictions& predictions);

// RFC 4180, nothing rounded and nothing that failed; the columns: path, label, the probability of each class
// under its name, and region_ROW_COLUMN, counted from 1 at the top left.
std::string to_csv(const PicturePredictions& predictions);

// Path (printable), label, its probability and the region of greatest weight, if the weights differ.
std::string to_table(const PicturePredictions& predictions);

}  // namespace fermion::fer
