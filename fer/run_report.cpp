#include <algorithm>
#include <cmath>
#include <ctime>

#include "fer/crucial.h"
#include "fer/data_command.h"
#include "fer/files.h"
#include "fer/printable.h"
#include "fer/progress.h"
#include "fer/report.h"
#include "fer/run.h"
#include "layers/state.h"

namespace fermion::fer {
namespace {

using nlohmann::json;

Image face_image(const Split& split, std::int64_t sample) {
  Image image;
  image.width = split.faces->width();
  image.height = split.faces->height();
  image.rgb.resize(static_cast<std::size_t>(split.faces->bytes_per_face()));
  split.read(sample, image.rgb);
  return image;
}

// Mean of the faces with that label, or of all for label -1.
json mean_face(const Split& split, const std::vector<int>& labels, int label) {
  std::vector<double> sum(static_cast<std::size_t>(split.faces->bytes_per_face()), 0.0);
  double count = 0;
  for (std::int64_t i = 0; i < split.size(); ++i) {
    if (label >= 0 && labels[static_cast<std::size_t>(i)] != label) continue;
    const Image face = face_image(split, i);
    for (std::size_t p = 0; p < sum.size(); ++p) sum[p] += face.rgb[p];
    ++count;
  }
  if (count == 0) return nullptr;
  Image image = face_image(split, 0);
  for (std::size_t p = 0; p < sum.size(); ++p) image.rgb[p] = static_cast<std::uint8_t>(sum[p] / count + 0.5);
  return data_uri(image);
}

// Two faces of each class: the first that the network names right and the first that it does not.
json examples(const Split& split, const std::vector<int>& labels, const Predictions& predictions,
              const std::vector<std::string>& names) {
  json list = json::array();
  for (int c = 0; c < static_cast<int>(names.size()); ++c)
    for (const bool right : {true, false})
      for (std::int64_t i = 0; i < split.size(); ++i) {
        const int prediction = predictions.label_of(i);
        if (labels[static_cast<std::size_t>(i)] != c || (prediction == c) != right) continue;
        const std::span<const float> weights = predictions.weights_of(i);
        list.push_back(
            {{"image", data_uri(face_image(split, i))},
             {"path", split.samples[static_cast<std::size_t>(i)].path},
             {"label", names[static_cast<std::size_t>(c)]},
             {"prediction", names[static_cast<std::size_t>(prediction)]},
             {"probability", predictions.probabilities_of(i)[static_cast<std::size_t>(prediction)]},
             {"weights", std::vector<float>(weights.begin(), weights.end())}});
        break;
      }
  return list;
}

json by_class(const std::vector<std::string>& names, const std::vector<std::vector<float>>& maps) {
  json result;
  for (std::size_t c = 0; c < names.size(); ++c)
    if (!maps[c].empty()) result[names[c]] = maps[c];
  return result;
}

std::string now_text() {
  char text[32];
  const std::time_t now = std::time(nullptr);
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", std::localtime(&now));
  return text;
}

// What the run was, before anything is measured.
json describe(const Run& run) {
  const CheckpointInfo& info = run.info;
  json report{{"title", info.config.model.preset + " on " + run.data.name},
              {"created", now_text()},
              {"command", info.command},
              {"device", run.device->name()},
              {"precision", info.config.precision},
              {"seed", info.config.seed},
              {"parameters", run.training->parameters().count()},
              {"seconds", info.seconds},
              {"images_per_second",
               static_cast<double>(info.step * info.config.batch) / std::max(info.seconds, 1e-9)},
              {"peak_bytes", peak_bytes(run)},
              {"config", json::object()},
              {"classes", info.class_names},
              {"grid", info.config.model.grid},
              {"epochs", info.epochs},
              {"best_epoch", info.best_epoch},
              {"data", report_data(run.data)}};
  each_effective_option(info.config,
                        [&](const char* key, const auto& value) { report["config"][key] = value; });
  return report;
}

// A share in points, rounded as report.html does: halves up.
double points(double share) {
  return std::floor(1000 * share + 0.5) / 10;
}

void print_summary(const json& report, const std::filesystem::path& folder) {
  for (const auto& [name, metrics] : report["splits"].items())
    fmt::print("{:<8} accuracy {:.2f} %, mean per class {:.2f} % ({} faces)\n", name,
               100 * metrics["accuracy"].get<double>(), 100 * metrics["mean_class_accuracy"].get<double>(),
               metrics["images"].get<std::int64_t>());
  if (const json& auc = report["region_auc"]; !auc.is_null())
    fmt::print("regions  AUC {:.3f}; the mean map's {:.3f} ({} faces)\n", auc["value"].get<double>(),
               auc["mean_map"].get<double>(), auc["faces"].get<std::int64_t>());
  if (const json& d = report["deletion"]; !d.is_null())
    fmt::print("deletion of {} region{} costs {:.1f} points at the top, {:.1f} at random\n",
               d["regions"].get<int>(), d["regions"] == 1 ? "" : "s", points(d["top"]), points(d["random"]));
  fmt::print("memory   {} of tensors and scratch at most\n", bytes_text(report["peak_bytes"].get<double>()));
  fmt::print("report   {}\n", printable((folder / "report.html").string()));
}

}  // namespace

void report_run(Run& run) {
  const CheckpointInfo& info = run.info;
  const std::filesystem::path best = run.folder / "best.safetensors";
  const engine::SafeTensors weights = engine::read_safetensors(best);
  try {
    layers::load(run.training->average(), "", weights);
  } catch (const engine::Error& error) {
    throw engine::Error("'{}' is not of this run: {}", best.string(), error.what());
  }
  Model& model = run.training->average_model();

  json report = describe(run);
  const Split* last = nullptr;
  Predictions predictions;
  for (const SplitName name : {SplitName::holdout, SplitName::valid, SplitName::test}) {
    const Split& split = run.data.split(name);
    if (split.empty()) continue;
    last = &split;
    predictions = predict(model, *run.device, info.preprocessing, split, info.config.batch);
    report["splits"][std::string(to_string(name))] = to_json(measure(predictions, split), info.class_names);
  }
  const std::vector<int> labels = labels_of(*last);
  // One region has nothing to be weighed against.
  const bool weighted = info.config.model.non_local && info.config.model.regions() > 1;
  report["region_auc"] = nullptr;
  report["deletion"] = nullptr;
  if (weighted && info.config.data.empty()) {
    const CrucialRegions auc =
        region_auc(predictions, *last, 0, info.config.model.size, info.config.model.grid, info.threads);
    if (auc.all.faces > 0) report["region_auc"] = to_json(auc);
  }
  if (weighted) {
    report["deletion"] = to_json(deletion_test(model, *run.device, info.preprocessing, *last, predictions,
                                               static_cast<std::uint64_t>(info.config.seed)));
    report["region_weights_by_class"] =
        by_class(info.class_names, mean_weights_by_class(predictions, labels));
  }
  json metrics{{"splits", report["splits"]},
               {"region_auc", report["region_auc"]},
               {"deletion", report["deletion"]},
               {"best_epoch", info.best_epoch}};
  for (const char* key : {"images_per_second", "seconds", "peak_bytes", "seed", "device", "precision"})
    metrics[key] = report[key];
  write_file(run.folder / "metrics.json", metrics.dump(2) + "\n");

  report["mean_face"] = mean_face(*last, labels, -1);
  for (int c = 0; c < run.data.classes(); ++c)
    report["mean_face_by_class"][info.class_names[static_cast<std::size_t>(c)]] = mean_face(*last, labels, c);
  report["examples"] = examples(*last, labels, predictions, info.class_names);
  write_report(run.folder / "report.html", report);
  print_summary(report, run.folder);
}

}  // namespace fermion::fer
