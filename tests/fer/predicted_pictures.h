// fer predict on pictures of the minute run's faces: as a function, and as the command.
#pragma once

#include <unistd.h>

#include "fer/predict_command.h"
#include "fer/synth_dataset.h"
#include "tests/fer/generated_sets.h"
#include "tests/fer/minute_run.h"

namespace fermion::fer {

inline const Dataset& drawn() {
  static const Dataset data = draw_dataset(0, minute_faces, minute_size, 1);
  return data;
}

inline Image face(std::int64_t i) {
  return face_of(drawn().test, i);
}

struct Result {
  PicturePredictions predictions;
  std::vector<std::string> warnings, failures;

  const std::vector<float>& probabilities() const { return predictions.images.at(0).probabilities; }
};

inline Result predict_with(const PredictOptions& options) {
  Result result;
  ReadyModel model = ready_model(minute_run().best);
  result.predictions = predict_pictures(
      model, options, [&](const std::string& text) { result.warnings.push_back(text); },
      [&](const std::string& text) { result.failures.push_back(text); });
  return result;
}

inline Result predict_all(const std::vector<std::filesystem::path>& inputs) {
  PredictOptions options;
  options.inputs = inputs;
  return predict_with(options);
}

// What one picture, written as PNG, gives.
inline Result predict_image(const Image& image, std::optional<Box> box = {}) {
  const TemporaryFolder folder;
  write_png(folder / "a.png", image);
  PredictOptions options;
  options.inputs = {folder / "a.png"};
  options.box = box;
  return predict_with(options);
}

inline std::string string_of(const std::filesystem::path& path) {
  const std::vector<std::uint8_t> bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

// Exit status and what goes to stdout and stderr.
struct Output {
  int status;
  std::string out, err;
};

inline Output run_command(const PredictOptions& options) {
  const TemporaryFolder folder;
  int kept[2], status = -1;
  std::fflush(nullptr);
  for (int stream : {1, 2}) {
    kept[stream - 1] = ::dup(stream);
    std::FILE* file = std::fopen((folder / std::to_string(stream)).c_str(), "w");
    ::dup2(::fileno(file), stream);
    std::fclose(file);
  }
  try {
    status = predict_command(options);
  } catch (const std::exception&) {
  }
  std::fflush(nullptr);
  for (int stream : {1, 2}) {
    ::dup2(kept[stream - 1], stream);
    ::close(kept[stream - 1]);
  }
  return {status, string_of(folder / "1"), string_of(folder / "2")};
}

}  // namespace fermion::fer
