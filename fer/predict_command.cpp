#include "fer/predict_command.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "fer/files.h"
#include "fer/overlay.h"
#include "fer/printable.h"

namespace fermion::fer {
namespace {

namespace fs = std::filesystem;

constexpr int largest_overlay = 480;

// One picture on its way through the network.
struct Looked {
  std::string error;
  std::vector<std::string> doubts;
  Image face;   // at the network's size
  Image shown;  // the same part of the picture for the overlay
};

Looked look(const fs::path& path, const PredictOptions& options, int size) {
  Looked looked;
  try {
    const Image picture = read_face_file({path, options.box});
    const int shorter = std::min(picture.width, picture.height);
    looked.face = fit(picture, size, size);
    looked.doubts = doubts_about(picture, looked.face, size);
    if (options.overlay.empty()) return looked;
    const int side = std::max(size, std::min(shorter, largest_overlay));
    looked.shown = fit(picture, side, side);
  } catch (const std::exception& error) {
    looked.error = error.what();
  }
  return looked;
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw engine::Error("cannot make the folder '{}': {}", folder.string(), error.message());
}

void check_csv(const PredictOptions& options, const std::vector<PictureFile>& files) {
  if (options.csv.empty() || is_stdout(options.csv)) return;
  const std::optional<FileId> csv = file_id(options.csv);
  if (!csv) return;
  if (csv == file_id(options.model))
    throw UsageError("--csv would overwrite the model '{}'; choose another file", options.model.string());
  for (const PictureFile& file : files)
    if (csv == file_id(file.path))
      throw UsageError("--csv would overwrite the picture {}; choose another file", file.path.string());
}

}  // namespace

Box parse_box(const std::string& text) {
  std::vector<int> numbers;
  const char *at = text.data(), *end = at + text.size();
  while (true) {
    const auto [next, error] = std::from_chars(at, end, numbers.emplace_back());
    if (error == std::errc::result_out_of_range || numbers.back() < 0 || numbers.back() > max_image_side)
      throw UsageError("the numbers of a box lie between 0 and {}, not {}", max_image_side,
                       std::string(at, next));
    if (error != std::errc() || (next != end && *next != ','))
      throw UsageError("box '{}' is not x,y,width,height in whole pixels", text);
    if (next == end) break;
    at = next + 1;
  }
  if (numbers.size() != 4)
    throw UsageError("box '{}' has {} numbers, not the four of x,y,width,height", text, numbers.size());
  return {numbers[0], numbers[1], numbers[2], numbers[3]};
}

fs::path newest_checkpoint(const fs::path& runs) {
  fs::path newest;
  fs::file_time_type newest_time;
  std::error_code error;
  for (const fs::directory_entry& run : fs::directory_iterator(runs, error)) {
    const fs::path path = run.path() / "best.safetensors";
    const fs::file_time_type time = fs::last_write_time(path, error);
    if (error || (!newest.empty() && time <= newest_time)) continue;
    newest = path;
    newest_time = time;
  }
  if (newest.empty())
    throw engine::Error("there is no {} yet: train a network with `make train`, or name one with --model",
                        (runs / "*" / "best.safetensors").string());
  return newest;
}

PicturePredictions predict_pictures(ReadyModel& model, const PredictOptions& options, const Complain& warn,
                                    const Complain& complain) {
  const CheckpointInfo& info = model.loaded.info;
  const int size = info.preprocessing.size, grid = info.config.model.grid;
  PicturePredictions all{info.class_names, grid, {}, {}};
  const auto fail = [&](const fs::path& path, const std::string& error) {
    all.failed.push_back({path.string(), error});
    complain(error);
  };
  const std::vector<PictureFile> files = find_pictures(options.inputs, fail);
  check_csv(options, files);
  std::vector<fs::path> overlays;
  if (!options.overlay.empty()) {
    overlays = overlay_paths(files, options.overlay);
    make_folder(options.overlay);
  }

  const auto batch = static_cast<std::size_t>(std::min(info.config.batch, 64));
  for (std::size_t begin = 0; begin < files.size(); begin += batch) {
    std::vector<Looked> looked(std::min(batch, files.size() - begin));
#pragma omp parallel for schedule(dynamic) num_threads(model.device->threads())
    for (std::size_t i = 0; i < looked.size(); ++i) looked[i] = look(files[begin + i].path, options, size);

    std::vector<std::size_t> good;
    for (std::size_t i = 0; i < looked.size(); ++i) {
      if (looked[i].error.empty())
        good.push_back(i);
      else
        fail(files[begin + i].path, looked[i].error);
      for (const std::string& doubt : looked[i].doubts)
        warn(fmt::format("{} {}", files[begin + i].path.string(), doubt));
    }
    const auto read = [&](std::int64_t face, std::span<std::uint8_t> rgb) {
      std::ranges::copy(looked[good[static_cast<std::size_t>(face)]].face.rgb, rgb.begin());
    };
    const Predictions predictions = predict(*model.loaded.model, *model.device, info.preprocessing,
                                            static_cast<std::int64_t>(good.size()), read);
    for (std::int64_t face = 0; face < predictions.faces; ++face) {
      const std::size_t i = good[static_cast<std::size_t>(face)];
      const std::span<const float> p = predictions.probabilities_of(face), w = predictions.weights_of(face);
      all.images.push_back({files[begin + i].path.string(),
                            predictions.label_of(face),
                            {p.begin(), p.end()},
                            {w.begin(), w.end()}});
      if (overlays.empty()) continue;
      try {
        make_folder(overlays[begin + i].parent_path());
        write_png(overlays[begin + i], overlay(looked[i].shown, w, grid));
      } catch (const engine::Error& error) {
        fail(files[begin + i].path, error.what());
      }
    }
  }
  return all;
}

int predict_command(const PredictOptions& options) {
  const bool csv_alone = !options.csv.empty() && is_stdout(options.csv);
  if (csv_alone && options.json) throw UsageError("--csv and --json cannot both go to stdout");
  PredictOptions with_model = options;
  if (options.model.empty()) {
    with_model.model = newest_checkpoint("runs");
    fmt::print(stderr, "model {}\n", printable(with_model.model.string()));
  }
  ReadyModel model = ready_model(with_model.model, options.compute);
  note_drawn(model.loaded.info);
  bool failed = false;
  const PicturePredictions predictions = predict_pictures(
      model, with_model,
      [](const std::string& text) { fmt::print(stderr, "fer: warning: {}\n", printable(text)); },
      [&](const std::string& text) {
        fmt::print(stderr, "fer: {}\n", printable(text));
        failed = true;
      });
  if (!options.csv.empty()) write_file(options.csv, to_csv(predictions));
  // A path need not be UTF-8; JSON must.
  if (options.json)
    fmt::print("{}\n", to_json(predictions).dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  else if (!csv_alone && !predictions.images.empty())
    fmt::print("{}", to_table(predictions));
  return failed ? 1 : 0;
}

}  // namespace fermion::fer
