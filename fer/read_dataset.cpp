// From a loader's listing to splits: decode, find copies, drop or refuse them, cut the holdout, count.
#include <algorithm>
#include <numeric>
#include <set>

#include "engine/error.h"
#include "fer/dataset.h"
#include "fer/dataset_cut.h"
#include "fer/dataset_loader.h"

namespace fermion::fer {
namespace {

// What decoding an entry gave: a hash, or why there is none.
struct Decoded {
  std::uint64_t hash = 0;
  std::string error;
};

std::shared_ptr<const FaceSource> decode_all(const std::vector<Entry>& entries, const DatasetOptions& options,
                                             std::vector<Decoded>& decoded) {
  const auto count = static_cast<std::int64_t>(entries.size());
  const bool keep = count * options.size * options.size * 3 <= options.memory;
  auto faces = std::make_shared<MemoryFaces>(keep ? count : 0, options.size, options.size);
#pragma omp parallel for num_threads(options.threads) schedule(dynamic, 32)
  for (std::int64_t i = 0; i < count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    try {
      const Image image = read_face_file(entries[at].file);
      decoded[at].hash = pixel_hash(image.width, image.height, image.rgb);
      if (keep) std::ranges::copy(fit(image, options.size, options.size).rgb, faces->face(i).begin());
    } catch (const std::exception& error) {
      decoded[at].error = error.what();
    }
  }
  if (keep) return faces;
  std::vector<FaceFile> files;
  for (const Entry& entry : entries) files.push_back(entry.file);
  return std::make_shared<FileFaces>(std::move(files), options.size, options.size);
}

// An error without the path that it begins with.
std::string reason_of(const std::string& error, const std::string& path) {
  if (!error.starts_with(path)) return error;
  return error.substr(std::min(error.size(), error.find_first_not_of(": ", path.size())));
}

// The entries that can be read, in the listing's order.
struct Readable {
  std::vector<Entry> entries;
  std::vector<std::int64_t> faces;
  std::vector<std::uint64_t> hashes;
  std::vector<int> groups;
};

Readable readable_of(const Listing& listing, const std::vector<Decoded>& decoded, Inventory& inventory) {
  Readable readable;
  std::vector<std::string> subjects;
  for (std::size_t i = 0; i < decoded.size(); ++i) {
    const Entry& entry = listing.entries[i];
    const std::string path = entry.file.path.string();
    if (!decoded[i].error.empty()) {
      inventory.skipped.push_back({path, reason_of(decoded[i].error, path)});
      ++inventory.unused[entry.split][Unused::unreadable];
      continue;
    }
    readable.entries.push_back(entry);
    readable.faces.push_back(static_cast<std::int64_t>(i));
    readable.hashes.push_back(decoded[i].hash);
    subjects.push_back(entry.subject);
  }
  readable.groups = group_faces(readable.hashes, subjects);
  return readable;
}

// By group, the first of its entries in each split.
using FirstOfSplit = std::map<SplitName, std::size_t>;

std::vector<FirstOfSplit> splits_of_groups(const Readable& readable) {
  std::vector<FirstOfSplit> splits;
  for (std::size_t i = 0; i < readable.groups.size(); ++i) {
    splits.resize(std::max(splits.size(), static_cast<std::size_t>(readable.groups[i]) + 1));
    splits[static_cast<std::size_t>(readable.groups[i])].try_emplace(readable.entries[i].split, i);
  }
  return splits;
}

// Counts the groups that lie in several splits; in splits that the user made, refuses them.
void note_leaks(const Readable& readable, const std::vector<FirstOfSplit>& splits, bool published,
                Inventory& inventory) {
  std::map<std::pair<SplitName, SplitName>, std::pair<std::size_t, std::size_t>> example;
  for (const FirstOfSplit& group : splits)
    for (auto a = group.begin(); a != group.end(); ++a)
      for (auto b = std::next(a); b != group.end(); ++b) {
        ++inventory.groups_across[{a->first, b->first}];
        example.try_emplace({a->first, b->first}, a->second, b->second);
      }
  for (const auto& [pair, count] : inventory.groups_across) {
    const std::string across = fmt::format("groups of copies that span {} and {}: {}", to_string(pair.first),
                                           to_string(pair.second), count);
    if (published) {
      inventory.problems.push_back(across);
      continue;
    }
    const auto [a, b] = example[pair];
    inventory.refusals.push_back(fmt::format(
        "{} and {} {} ({}); keep each group in one split", readable.entries[a].file.path.string(),
        readable.entries[b].file.path.string(),
        readable.hashes[a] == readable.hashes[b] ? "are the same image" : "show the same subject", across));
  }
}

std::vector<float> target_of(const Entry& entry, int classes, Targets targets) {
  if (targets == Targets::votes && !entry.shares.empty()) return entry.shares;
  std::vector<float> target(static_cast<std::size_t>(classes));
  if (entry.label >= 0) target[static_cast<std::size_t>(entry.label)] = 1;
  return target;
}

// Fills the dataset's splits with what may be used.
void fill_splits(const Readable& readable, const std::vector<FirstOfSplit>& splits,
                 const DatasetOptions& options, std::shared_ptr<const FaceSource> faces, Dataset& dataset) {
  auto& unused = dataset.inventory.unused;
  const auto is_train_copy = [&](std::size_t i) {
    return readable.entries[i].split == SplitName::train &&
           splits[static_cast<std::size_t>(readable.groups[i])].size() > 1;
  };
  std::vector<int> groups, labels;
  std::vector<std::size_t> kept_train;
  for (std::size_t i = 0; i < readable.entries.size(); ++i) {
    if (readable.entries[i].split != SplitName::train) continue;
    if (is_train_copy(i)) {
      ++unused[SplitName::train][Unused::copies];
      continue;
    }
    kept_train.push_back(i);
    groups.push_back(readable.groups[i]);
    labels.push_back(readable.entries[i].label);
  }
  const std::vector<bool> held =
      cut_holdout(groups, labels, dataset.classes(), options.holdout, options.seed);

  Split* const by_name[] = {&dataset.train, &dataset.holdout, &dataset.valid, &dataset.test};
  for (Split* split : by_name) {
    split->faces = faces;
    split->classes = dataset.classes();
  }
  const auto add = [&](SplitName name, std::size_t i) {
    const Entry& entry = readable.entries[i];
    const bool votes = options.targets == Targets::votes && !entry.shares.empty();
    if (entry.label < 0 && !(votes && name == SplitName::train)) {
      ++unused[entry.split][entry.shares.empty()                  ? Unused::no_votes
                            : votes && name == SplitName::holdout ? Unused::holdout_no_majority
                                                                  : Unused::no_majority];
      return;
    }
    by_name[static_cast<int>(name)]->add(
        {readable.faces[i], entry.label, readable.hashes[i], entry.file.path.string(), entry.subject},
        target_of(entry, dataset.classes(), options.targets));
  };
  for (std::size_t k = 0; k < kept_train.size(); ++k)
    add(held[k] ? SplitName::holdout : SplitName::train, kept_train[k]);
  for (std::size_t i = 0; i < readable.entries.size(); ++i)
    if (readable.entries[i].split != SplitName::train) add(readable.entries[i].split, i);
}

void count(SplitCounts& counts, int classes, int label) {
  counts.by_class.resize(static_cast<std::size_t>(classes));
  ++counts.images;
  if (label >= 0) ++counts.by_class[static_cast<std::size_t>(label)];
}

void count_published(const Listing& listing, Inventory& inventory) {
  const int classes = static_cast<int>(listing.class_names.size());
  for (const Entry& entry : listing.entries) count(inventory.published[entry.split], classes, entry.label);
  for (const ExpectedCounts& expected : listing.expected) {
    SplitCounts& found = inventory.published[expected.split];
    found.by_class.resize(static_cast<std::size_t>(classes));
    const std::int64_t labelled = std::reduce(found.by_class.begin(), found.by_class.end());
    if (found.images != expected.images || labelled != expected.labelled)
      inventory.problems.push_back(
          fmt::format("{} has {} images, {} of them labelled, where the published set has {} and {}",
                      to_string(expected.split), found.images, labelled, expected.images, expected.labelled));
  }
}

void note_unused(Inventory& inventory) {
  constexpr std::string_view why[] = {
      "they cannot be read", "copies of valid or test images", "nobody voted for one of the classes",
      "their taggers reached no majority", "copies, without a majority, of holdout images"};
  for (const auto& [split, reasons] : inventory.unused)
    for (const auto& [reason, count] : reasons)
      inventory.problems.push_back(fmt::format("{} images that are not used, as {}: {}", to_string(split),
                                               why[static_cast<int>(reason)], count));
}

void note_unreadable(const Inventory& inventory, std::size_t images, const DatasetOptions& options,
                     std::vector<std::string>& refusals) {
  if (inventory.skipped.empty() || options.skip_unreadable) return;
  const Skipped& first = inventory.skipped.front();
  refusals.push_back(
      fmt::format("{} of {} images cannot be read, first {} ({}): mend them, or leave them out (--set "
                  "skip_unreadable=true "
                  "for fer train, --skip-unreadable for fer eval)",
                  inventory.skipped.size(), images, first.path, first.reason));
}

}  // namespace

Dataset read_dataset(const std::filesystem::path& folder, const DatasetOptions& options) {
  const FoundSet found = find_set(folder);
  const Listing listing = found.loader->list(found.folder);
  if (listing.entries.empty()) throw engine::Error("{} lists no images", found.folder.string());

  Dataset dataset;
  dataset.name = found.loader->name;
  dataset.folder = found.folder;
  dataset.class_names = listing.class_names;
  Inventory& inventory = dataset.inventory;
  inventory.problems = listing.problems;
  count_published(listing, inventory);

  std::vector<Decoded> decoded(listing.entries.size());
  const std::shared_ptr<const FaceSource> faces = decode_all(listing.entries, options, decoded);
  const Readable readable = readable_of(listing, decoded, inventory);
  note_unreadable(inventory, decoded.size(), options, inventory.refusals);
  inventory.readable = static_cast<std::int64_t>(readable.entries.size());
  inventory.distinct =
      static_cast<std::int64_t>(std::set(readable.hashes.begin(), readable.hashes.end()).size());
  std::set<std::string> subjects;
  for (const Entry& entry : readable.entries)
    if (!entry.subject.empty()) subjects.insert(entry.subject);
  inventory.subjects = static_cast<std::int64_t>(subjects.size());

  const std::vector<FirstOfSplit> splits = splits_of_groups(readable);
  note_leaks(readable, splits, listing.published_splits, inventory);
  fill_splits(readable, splits, options, faces, dataset);
  note_unused(inventory);
  for (SplitName name : {SplitName::train, SplitName::holdout, SplitName::valid, SplitName::test})
    for (const Sample& sample : dataset.split(name).samples)
      count(inventory.used[name], dataset.classes(), sample.label);
  return dataset;
}

Dataset open_dataset(const std::filesystem::path& folder, const DatasetOptions& options) {
  Dataset dataset = read_dataset(folder, options);
  if (!dataset.inventory.refusals.empty()) throw engine::Error("{}", dataset.inventory.refusals.front());
  return dataset;
}

}  // namespace fermion::fer
