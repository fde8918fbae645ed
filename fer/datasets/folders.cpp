// Any set as {train,valid,test}/<class name>/<pictures>. The splits are the user's.
#include <algorithm>
#include <cctype>

#include "engine/error.h"
#include "fer/dataset_loader.h"
#include "fer/labels.h"
#include "fer/picture_files.h"

namespace fermion::fer {
namespace {

namespace fs = std::filesystem;

bool is_folder(const fs::path& path) {
  std::error_code unknown;  // of a link that leads nowhere
  return fs::is_directory(path, unknown);
}

// What is visible in a folder, sorted by name: the order on disk differs between machines. `error`: why there
// may be more.
std::vector<fs::path> sorted(const fs::path& folder, std::error_code& error) {
  std::vector<fs::path> paths;
  for (auto entry = fs::directory_iterator(folder, error); !error && entry != fs::end(entry);
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with('.') && name != "Thumbs.db" && name != "desktop.ini")
      paths.push_back(entry->path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}
std::vector<fs::path> sorted(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> paths = sorted(folder, error);
  if (error) throw engine::Error("{} cannot be read: {}", folder.string(), error.message());
  return paths;
}

std::optional<SplitName> split_of(const fs::path& folder) {
  std::string name = folder.filename().string();
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (!is_folder(folder)) return std::nullopt;
  if (name == "train") return SplitName::train;
  if (name == "test") return SplitName::test;
  if (name == "valid" || name == "val" || name == "validation" || name == "dev") return SplitName::valid;
  return std::nullopt;
}

bool recognises(const fs::path& folder) {
  std::error_code ignored;
  for (const fs::path& split : sorted(folder, ignored)) {
    if (!split_of(split)) continue;
    for (const fs::path& path : sorted(split, ignored))
      if (is_folder(path) && expression_of(path.filename().string())) return true;
  }
  return false;
}

void append_class(const fs::path& folder, SplitName split, Listing& listing) {
  const std::optional<int> label = expression_of(folder.filename().string());
  if (!label)
    throw engine::Error(
        "{}: '{}' is no expression that is known here ({}); rename the folder or move it away",
        folder.string(), folder.filename().string(), fmt::join(expressions, ", "));
  std::vector<fs::path> others;
  for (const fs::path& path : sorted(folder)) {
    if (is_folder(path))
      listing.problems.push_back(
          fmt::format("{} is a folder inside a class and was not read", path.string()));
    else if (is_picture(path))
      listing.entries.push_back({{path, {}}, split, *label, {}, {}});
    else
      others.push_back(path);
  }
  if (!others.empty())
    listing.problems.push_back(
        fmt::format("files that are no pictures by their names and were not read: {}, first {}",
                    others.size(), others.front().string()));
}

Listing list(const fs::path& folder) {
  Listing listing;
  for (const fs::path& path : sorted(folder)) {
    const std::optional<SplitName> split = split_of(path);
    if (!split) continue;
    for (const fs::path& inside : sorted(path))
      if (is_folder(inside)) append_class(inside, *split, listing);
  }
  const int contempt = *expression_of("contempt");
  const bool eight =
      std::ranges::any_of(listing.entries, [&](const Entry& entry) { return entry.label == contempt; });
  listing.class_names = class_names(eight ? 8 : 7);
  return listing;
}

}  // namespace

const Loader folders_loader = {"folders", "{train,valid,test}/<class name>/*.png, *.jpg, ...", recognises,
                               list};

}  // namespace fermion::fer
