#include "fer/predictions.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "fer/printable.h"

namespace fermion::fer {
namespace {

std::string quoted(const std::string& field) {
  if (field.find_first_of(",\"\r\n") == std::string::npos) return field;
  std::string result = "\"";
  for (const char c : field) result += c == '"' ? std::string("\"\"") : std::string(1, c);
  return result + '"';
}

const std::string& label_of(const PicturePredictions& predictions, const PicturePrediction& image) {
  return predictions.classes[static_cast<std::size_t>(image.label)];
}

std::string top_region(const std::vector<float>& weights, int grid) {
  const auto [least, top] = std::minmax_element(weights.begin(), weights.end());
  if (*least == *top) return "-";
  const auto region = static_cast<int>(top - weights.begin());
  return fmt::format("row {}, column {} (weight {:.2f})", region / grid + 1, region % grid + 1, *top);
}

}  // namespace

nlohmann::ordered_json to_json(const PicturePredictions& predictions) {
  nlohmann::ordered_json images = nlohmann::ordered_json::array();
  for (const PicturePrediction& image : predictions.images) {
    nlohmann::ordered_json probabilities, regions = nlohmann::ordered_json::array();
    for (std::size_t c = 0; c < predictions.classes.size(); ++c)
      probabilities[predictions.classes[c]] = image.probabilities[c];
    for (auto row = image.weights.begin(); row != image.weights.end(); row += predictions.grid)
      regions.push_back(std::vector<float>(row, row + predictions.grid));
    images.push_back({{"path", image.path},
                      {"label", label_of(predictions, image)},
                      {"probabilities", probabilities},
                      {"regions", regions}});
  }
  nlohmann::ordered_json failed = nlohmann::ordered_json::array();
  for (const FailedPicture& picture : predictions.failed)
    failed.push_back({{"path", picture.path}, {"error", picture.error}});
  return {{"images", images}, {"failed", failed}};
}

std::string to_csv(const PicturePredictions& predictions) {
  std::string csv = "path,label";
  for (const std::string& name : predictions.classes) csv += ',' + quoted(name);
  for (int row = 1; row <= predictions.grid; ++row)
    for (int column = 1; column <= predictions.grid; ++column)
      csv += fmt::format(",region_{}_{}", row, column);
  csv += '\n';
  for (const PicturePrediction& image : predictions.images) {
    csv += quoted(image.path) + ',' + quoted(label_of(predictions, image));
    for (const std::vector<float>* values : {&image.probabilities, &image.weights})
      for (const double value : *values) csv += fmt::format(",{}", value);  // the digits of the JSON
    csv += '\n';
  }
  return csv;
}

std::string to_table(const PicturePredictions& predictions) {
  std::size_t width = 4;
  for (const PicturePrediction& image : predictions.images)
    width = std::max(width, printable(image.path).size());
  std::string table =
      fmt::format("{:<{}}  {:<10} {:>11}  {}\n", "path", width, "label", "probability", "top region");
  for (const PicturePrediction& image : predictions.images)
    table += fmt::format("{:<{}}  {:<10} {:>9.1f} %  {}\n", printable(image.path), width,
                         label_of(predictions, image),
                         100 * image.probabilities[static_cast<std::size_t>(image.label)],
                         top_region(image.weights, predictions.grid));
  return table;
}

}  // namespace fermion::fer
