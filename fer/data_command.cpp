#include "fer/data_command.h"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <numeric>

#include "engine/error.h"
#include "fer/printable.h"

namespace fermion::fer {
namespace {

// Why training would refuse the set.
std::vector<std::string> refusals_of(const Dataset& dataset) {
  std::vector<std::string> refusals = dataset.inventory.refusals;
  try {
    check_trainable(dataset);
  } catch (const engine::Error& error) {
    refusals.push_back(error.what());
  }
  return refusals;
}

nlohmann::json counts_json(const std::map<SplitName, SplitCounts>& counts,
                           const std::vector<std::string>& classes) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [split, of_split] : counts)
    for (std::size_t i = 0; i < classes.size(); ++i)
      json[std::string(to_string(split))][classes[i]] = of_split.by_class[i];
  return json;
}

std::int64_t images(const SplitCounts& counts) {
  return counts.images;
}

std::int64_t unlabelled(const SplitCounts& counts) {
  return counts.images - std::reduce(counts.by_class.begin(), counts.by_class.end());
}

std::int64_t count_of(const Inventory& inventory, SplitName split, Unused reason) {
  const auto of_split = inventory.unused.find(split);
  return of_split != inventory.unused.end() && of_split->second.contains(reason) ? of_split->second.at(reason)
                                                                                 : 0;
}

nlohmann::json by_split(const std::map<SplitName, SplitCounts>& counts,
                        std::int64_t (*figure)(const SplitCounts&)) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [split, of_split] : counts) json[std::string(to_string(split))] = figure(of_split);
  return json;
}

// Published and used counts of one split side by side; holdout was never published.
struct Column {
  std::string head;
  const SplitCounts* counts;
};

std::vector<Column> columns_of(const Inventory& inventory) {
  std::vector<Column> columns;
  for (SplitName name : {SplitName::train, SplitName::holdout, SplitName::valid, SplitName::test}) {
    const auto published = inventory.published.find(name), used = inventory.used.find(name);
    if (published != inventory.published.end())
      columns.push_back({std::string(to_string(name)), &published->second});
    if (used != inventory.used.end())
      columns.push_back({name == SplitName::holdout ? "holdout" : "used", &used->second});
  }
  return columns;
}

}  // namespace

nlohmann::json inventory_json(const Dataset& dataset) {
  const Inventory& inventory = dataset.inventory;
  nlohmann::json across = nlohmann::json::array(), skipped = across, unused = nlohmann::json::object();
  for (const auto& [pair, groups] : inventory.groups_across)
    across.push_back({{"splits", {to_string(pair.first), to_string(pair.second)}}, {"groups", groups}});
  for (const Skipped& file : inventory.skipped)
    skipped.push_back({{"path", file.path}, {"reason", file.reason}});
  for (const auto& [split, reasons] : inventory.unused)
    for (const auto& [reason, count] : reasons)
      unused[std::string(to_string(split))][std::string(to_string(reason))] = count;
  return {{"dataset", dataset.name},
          {"folder", dataset.folder.string()},
          {"classes", dataset.class_names},
          {"splits", counts_json(inventory.published, dataset.class_names)},
          {"used", counts_json(inventory.used, dataset.class_names)},
          {"images", by_split(inventory.published, images)},
          {"used_images", by_split(inventory.used, images)},
          {"no_majority", by_split(inventory.published, unlabelled)},
          {"used_no_majority", by_split(inventory.used, unlabelled)},
          {"unused", unused},
          {"readable", inventory.readable},
          {"copies",
           {{"distinct", inventory.distinct},
            {"identical", inventory.readable - inventory.distinct},
            {"across", across},
            {"dropped_from_train", count_of(inventory, SplitName::train, Unused::copies)}}},
          {"subjects", inventory.subjects},
          {"skipped", skipped},
          {"problems", inventory.problems},
          {"refusals", refusals_of(dataset)}};
}

nlohmann::json report_data(const Dataset& dataset) {
  const Inventory& inventory = dataset.inventory;
  return {{"dataset", dataset.name},
          {"splits", counts_json(inventory.used, dataset.class_names)},
          {"images", by_split(inventory.used, images)},
          {"notes", inventory.problems}};
}

std::string inventory_table(const Dataset& dataset) {
  const Inventory& inventory = dataset.inventory;
  const std::vector<Column> columns = columns_of(inventory);
  std::string text = fmt::format("{} in {}: {} images that can be read, {} distinct\n\n", dataset.name,
                                 printable(dataset.folder.string()), inventory.readable, inventory.distinct);
  const auto row = [&](std::string_view head, auto cell) {
    text += fmt::format("{:<12}", head);
    for (const Column& column : columns) text += fmt::format("{:>9}", cell(column));
    text += '\n';
  };
  row("class", [](const Column& column) { return column.head; });
  for (std::size_t i = 0; i < dataset.class_names.size(); ++i)
    row(dataset.class_names[i], [&](const Column& column) { return column.counts->by_class[i]; });
  if (std::ranges::any_of(columns, [](const Column& column) { return unlabelled(*column.counts) > 0; }))
    row("no majority", [](const Column& column) { return unlabelled(*column.counts); });
  row("all", [](const Column& column) { return images(*column.counts); });

  if (inventory.subjects) text += fmt::format("\n{} subjects\n", inventory.subjects);
  for (const std::string& problem : inventory.problems)
    text += fmt::format("problem: {}\n", printable(problem));
  for (const std::string& refusal : refusals_of(dataset))
    text += fmt::format("training refuses this set: {}\n", printable(refusal));
  for (const Skipped& file : inventory.skipped)
    text += fmt::format("skipped: {}: {}\n", printable(file.path), printable(file.reason));
  return text;
}

int data_command(const DataOptions& options) {
  const Dataset dataset = read_dataset(options.folder, options.dataset);
  // A path need not be UTF-8; JSON must.
  fmt::print(
      "{}", options.json
                ? inventory_json(dataset).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"
                : inventory_table(dataset));
  return refusals_of(dataset).empty() ? 0 : 1;
}

}  // namespace fermion::fer
