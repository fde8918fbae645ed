#include "fer/datasets/ferplus.h"

#include <algorithm>
#include <charconv>
#include <numeric>

#include "engine/error.h"
#include "fer/dataset_loader.h"
#include "fer/files.h"
#include "fer/labels.h"

namespace fermion::fer {
namespace {

namespace fs = std::filesystem;

struct PublishedSplit {
  SplitName name;
  const char* folder;
  std::int64_t images, labelled;
};
constexpr PublishedSplit published[] = {{SplitName::train, "FER2013Train", 28558, 25045},
                                        {SplitName::valid, "FER2013Valid", 3579, 3191},
                                        {SplitName::test, "FER2013Test", 3573, 3137}};

// Fields between commas; commas inside double quotes do not count.
std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= line.size(); ++i) {
    if (i < line.size() && line[i] == '"') quoted = !quoted;
    if (i < line.size() && (line[i] != ',' || quoted)) continue;
    fields.push_back(line.substr(begin, i - begin));
    begin = i + 1;
  }
  return fields;
}

std::optional<int> count_of(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0 || value > 1'000'000)
    return std::nullopt;
  return value;
}

// "(left, top, right, bottom)"
std::optional<Box> box_of(std::string_view text) {
  if (!text.starts_with("\"(") || !text.ends_with(")\"")) return std::nullopt;
  int sides[4];
  const std::vector<std::string_view> parts = fields_of(text.substr(2, text.size() - 4));
  if (parts.size() != 4) return std::nullopt;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::optional<int> side =
        count_of(parts[i].substr(std::min(parts[i].find_first_not_of(' '), parts[i].size())));
    if (!side) return std::nullopt;
    sides[i] = *side;
  }
  return Box{sides[0], sides[1], sides[2] - sides[0], sides[3] - sides[1]};
}

// Throws what is wrong with the row.
Entry entry_of(std::string_view line, const fs::path& folder, SplitName split) {
  const std::vector<std::string_view> fields = fields_of(line);
  if (fields.size() != 2 + ferplus_columns.size() || fields[0].empty())
    throw engine::Error("expected an image name, a box and ten vote counts, found {} fields", fields.size());
  const std::optional<Box> box = box_of(fields[1]);
  if (!box) throw engine::Error("{} is no box such as \"(0, 0, 48, 48)\"", fields[1]);
  FerplusVotes votes;
  for (std::size_t i = 0; i < votes.size(); ++i) {
    const std::optional<int> count = count_of(fields[2 + i]);
    if (!count)
      throw engine::Error("the votes for {} are '{}', not a count", ferplus_columns[i], fields[2 + i]);
    votes[i] = *count;
  }
  return {{folder / fields[0], box}, split, ferplus_majority(votes).value_or(-1), ferplus_shares(votes), {}};
}

void append_entries(const fs::path& folder, SplitName split, std::vector<Entry>& entries) {
  const fs::path list = folder / "label.csv";
  const std::vector<std::uint8_t> bytes = read_file(list);
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    try {
      entries.push_back(entry_of(line, folder, split));
    } catch (const engine::Error& error) {
      throw engine::Error("{}, line {}: {}", list.string(), number, error.what());
    }
  }
}

bool has_labels(const fs::path& folder, const PublishedSplit& split) {
  return fs::is_regular_file(folder / split.folder / "label.csv");
}

bool recognises(const fs::path& folder) {
  return std::ranges::any_of(published,
                             [&](const PublishedSplit& split) { return has_labels(folder, split); });
}

Listing list(const fs::path& folder) {
  Listing listing;
  listing.class_names = class_names(8);
  listing.published_splits = true;
  for (const PublishedSplit& split : published) {
    if (!has_labels(folder, split)) {
      listing.problems.push_back(
          fmt::format("no {}/label.csv, so no {} split", split.folder, to_string(split.name)));
      continue;
    }
    append_entries(folder / split.folder, split.name, listing.entries);
    listing.expected.push_back({split.name, split.images, split.labelled});
  }
  return listing;
}

}  // namespace

std::optional<int> ferplus_majority(const FerplusVotes& votes) {
  FerplusVotes kept = votes;
  for (int& count : kept)
    if (count == 1) count = 0;
  const auto winner = std::ranges::max_element(kept);
  if (2 * *winner <= std::accumulate(kept.begin(), kept.end(), 0)) return std::nullopt;
  return expression_of(ferplus_columns[static_cast<std::size_t>(winner - kept.begin())]);
}

std::vector<float> ferplus_shares(const FerplusVotes& votes) {
  std::vector<float> shares(expressions.size());
  int sum = 0;
  for (std::size_t i = 0; i < votes.size(); ++i)
    if (const std::optional<int> expression = expression_of(ferplus_columns[i])) {
      shares[static_cast<std::size_t>(*expression)] = static_cast<float>(votes[i]);
      sum += votes[i];
    }
  if (sum == 0) return {};
  for (float& share : shares) share /= static_cast<float>(sum);
  return shares;
}

const Loader ferplus_loader = {"FER+", "FER2013{Train,Valid,Test}/label.csv", recognises, list};

}  // namespace fermion::fer
