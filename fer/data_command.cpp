#include "fer/data_command.h"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <numeric>

namespace fermion::fer {
namespace {

std::vector<std::string> problems_of(const Inventory& inventory) {
  std::vector<std::string> problems = inventory.problems;
  problems.insert(problems.end(), inventory.refusals.begin(), inventory.refusals.end());
  return problems;
}

nlohmann::json counts_json(const std::map<SplitName, SplitCounts>& counts,
                           const std::vector<std::string>& classes) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [split, of_split] : counts)
    for (std::size_t i = 0; i < classes.size(); ++i)
      json[std::string(to_string(split))][classes[i]] = of_split.by_class[i];
  return json;
}

nlohmann::json images_json(const std::map<SplitName, SplitCounts>& counts) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [split, of_split] : counts) json[std::string(to_string(split))] = of_split.images;
  return json;
}

std::int64_t unlabelled(const SplitCounts& counts) {
  return counts.images - std::reduce(counts.by_class.begin(), counts.by_class.end());
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
  nlohmann::json across = nlohmann::json::array(), skipped = across;
  for (const auto& [pair, groups] : inventory.groups_across)
    across.push_back({{"splits", {to_string(pair.first), to_string(pair.second)}}, {"groups", groups}});
  for (const Skipped& file : inventory.skipped)
    skipped.push_back({{"path", file.path}, {"reason", file.reason}});
  return {{"dataset", dataset.name},
          {"folder", dataset.folder.string()},
          {"classes", dataset.class_names},
          {"splits", counts_json(inventory.published, dataset.class_names)},
          {"used", counts_json(inventory.used, dataset.class_names)},
          {"images", images_json(inventory.published)},
          {"copies",
           {{"distinct", inventory.distinct},
            {"identical", inventory.readable - inventory.distinct},
            {"across", across},
            {"dropped_from_train", inventory.dropped_from_train}}},
          {"subjects", inventory.subjects},
          {"skipped", skipped},
          {"problems", problems_of(inventory)}};
}

nlohmann::json report_data(const Dataset& dataset) {
  const Inventory& inventory = dataset.inventory;
  return {{"dataset", dataset.name},
          {"splits", counts_json(inventory.used, dataset.class_names)},
          {"images", images_json(inventory.used)},
          {"notes", inventory.problems}};
}

std::string inventory_table(const Dataset& dataset) {
  const Inventory& inventory = dataset.inventory;
  const std::vector<Column> columns = columns_of(inventory);
  std::string text = fmt::format("{} in {}: {} images that can be read, {} distinct\n\n", dataset.name,
                                 dataset.folder.string(), inventory.readable, inventory.distinct);
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
  row("all", [](const Column& column) { return column.counts->images; });

  if (inventory.subjects) text += fmt::format("\n{} subjects\n", inventory.subjects);
  for (const std::string& problem : problems_of(inventory)) text += fmt::format("problem: {}\n", problem);
  for (const Skipped& file : inventory.skipped)
    text += fmt::format("skipped: {}: {}\n", file.path, file.reason);
  return text;
}

int data_command(const DataOptions& options) {
  const Dataset dataset = read_dataset(options.folder, options.dataset);
  // A path need not be UTF-8; JSON must.
  fmt::print(
      "{}", options.json
                ? inventory_json(dataset).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"
                : inventory_table(dataset));
  return 0;
}

}  // namespace fermion::fer
