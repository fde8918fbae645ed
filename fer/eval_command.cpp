#include "fer/eval_command.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "fer/checkpoint.h"
#include "fer/run.h"

namespace fermion::fer {
namespace {

using nlohmann::json;

Dataset open_data(const EvalOptions& options, const CheckpointInfo& info, int threads) {
  TrainConfig config = info.config;
  if (options.data.empty() && !config.data.empty())
    throw UsageError("'{}' was trained on '{}'; name the folder to measure on with --data",
                     options.checkpoint.string(), config.data);
  config.data = options.data;
  config.skip_unreadable |= options.skip_unreadable;
  Dataset data = open_data(config, threads);
  if (data.class_names != info.class_names)
    throw engine::Error("'{}' tells apart {}, but the faces of {} are labelled {}",
                        options.checkpoint.string(), fmt::join(info.class_names, ", "), data.name,
                        fmt::join(data.class_names, ", "));
  return data;
}

std::optional<SplitName> split_name(const std::string& text) {
  for (const SplitName name : {SplitName::train, SplitName::holdout, SplitName::valid, SplitName::test})
    if (text == to_string(name)) return name;
  if (!text.empty()) throw UsageError("split '{}' is none of train, holdout, valid, test", text);
  return std::nullopt;
}

struct NamedSplit {
  SplitName name;
  Split faces;  // those with a label
};

NamedSplit choose_split(const Dataset& data, const std::optional<SplitName>& wanted) {
  std::vector<std::string_view> present;
  std::optional<NamedSplit> chosen;
  for (const SplitName name : {SplitName::test, SplitName::valid, SplitName::holdout, SplitName::train}) {
    Split faces = labelled(data.split(name));
    if (faces.empty()) continue;
    present.push_back(to_string(name));
    if (!chosen && (!wanted || name == *wanted)) chosen = {name, std::move(faces)};
  }
  if (present.empty()) throw engine::Error("{} has no labelled face that can be read", data.name);
  if (!chosen)
    throw engine::Error("{} has no labelled faces in {}, only in {}", data.name, to_string(*wanted),
                        fmt::join(present, ", "));
  return *chosen;
}

// A share of nothing is NaN, and null once it went through text.
bool is_defined(const json& share) {
  return share.is_number() && std::isfinite(share.get<double>());
}

}  // namespace

json evaluate(const EvalOptions& options) {
  const std::optional<SplitName> wanted = split_name(options.split);
  ReadyModel ready = ready_model(options.checkpoint, options.compute);
  const CheckpointInfo& info = ready.loaded.info;
  const Dataset data = open_data(options, info, ready.device->threads());
  if (!data.folder.empty()) note_drawn(info);
  const auto [name, split] = choose_split(data, wanted);
  const Predictions predictions =
      predict(*ready.loaded.model, *ready.device, info.preprocessing, split, info.config.batch);
  json evaluation = to_json(measure(predictions, split), info.class_names);
  evaluation["dataset"] = data.name;
  evaluation["split"] = to_string(name);
  evaluation["classes"] = info.class_names;
  return evaluation;
}

std::string evaluation_table(const json& evaluation) {
  const auto percent = [](const json& share) {
    return is_defined(share) ? fmt::format("{:.2f}", 100 * share.get<double>()) : std::string("-");
  };
  const auto text = [&](const char* key) { return evaluation.at(key).get<std::string>(); };
  const json& interval = evaluation.at("accuracy_interval");
  std::string table = fmt::format("{}, {}: {} faces\n\n", text("dataset"), text("split"),
                                  evaluation.at("images").get<std::int64_t>());
  const auto line = [&](const char* head, const char* key, const std::string& more) {
    table += fmt::format("{:<20} {:>6} %{}\n", head, percent(evaluation.at(key)), more);
  };
  line("accuracy", "accuracy", fmt::format("  (95 %: {} to {})", percent(interval[0]), percent(interval[1])));
  const json& recall = evaluation.at("recall");
  const auto present = std::count_if(recall.begin(), recall.end(), is_defined);
  const std::string of_present = fmt::format("  (of the {} classes that have faces)", present);
  line("mean class accuracy", "mean_class_accuracy", of_present);
  line("macro F1", "macro_f1", of_present);
  line("calibration error", "ece", "");

  const auto classes = evaluation.at("classes").get<std::vector<std::string>>();
  table += fmt::format("\n{:<12}", "true, called");
  for (const std::string& name : classes) table += fmt::format("{:>10}", name);
  table += fmt::format("{:>10}\n", "recall %");
  for (std::size_t i = 0; i < classes.size(); ++i) {
    table += fmt::format("{:<12}", classes[i]);
    for (const json& count : evaluation.at("confusion")[i])
      table += fmt::format("{:>10}", count.get<std::int64_t>());
    table += fmt::format("{:>10}\n", percent(recall.at(classes[i])));
  }
  table += fmt::format("{:<12}", "precision %");
  for (const std::string& name : classes)
    table += fmt::format("{:>10}", percent(evaluation.at("precision").at(name)));
  return table + "\n";
}

int eval_command(const EvalOptions& options) {
  const json evaluation = evaluate(options);
  fmt::print("{}", options.json ? evaluation.dump(2) + "\n" : evaluation_table(evaluation));
  return 0;
}

}  // namespace fermion::fer
