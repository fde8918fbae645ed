// A labelled set of faces and its splits.
//
// The splits are distinct types: what chooses the epoch takes a HoldoutSplit and cannot be handed the
// published validation or test faces. What any of them will do for (measuring, drawing) takes a Split.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fer/face_source.h"

namespace fermion::fer {

// holdout is cut from the published train split to choose the epoch; the others are as published.
enum class SplitName { train, holdout, valid, test };

std::string_view to_string(SplitName name);

struct Sample {
  std::int64_t face = 0;  // in the split's source
  int label = -1;  // class; -1 where taggers reached no majority: trained on their votes, never measured
  std::uint64_t hash = 0;  // of the pixels as stored (pixel_hash): equal for copies
  std::string path;        // empty for a face that was drawn
  std::string subject;     // empty if unknown
};

struct Split {
  std::shared_ptr<const FaceSource> faces;
  int classes = 0;
  std::vector<Sample> samples;
  std::vector<float> targets;  // [samples, classes], rows sum to 1

  std::int64_t size() const { return static_cast<std::int64_t>(samples.size()); }
  bool empty() const { return samples.empty(); }
  std::span<const float> target(std::int64_t sample) const;
  // The sample's face, u8 [height, width, 3]; any number of threads may read at once.
  void read(std::int64_t sample, std::span<std::uint8_t> rgb) const;

  // Throws engine::Error unless the target has `classes` values.
  void add(Sample sample, std::span<const float> target);
};

// The samples that have a label: what can be measured on. Valid and test consist of nothing else.
Split labelled(const Split& split);

template <SplitName Name>
struct SplitOf : Split {
  static constexpr SplitName name = Name;

  SplitOf() = default;
  explicit SplitOf(Split split) : Split(std::move(split)) {}
  template <SplitName Other>
  requires(Other != Name) SplitOf(const SplitOf<Other>&)
  = delete;
};

using TrainSplit = SplitOf<SplitName::train>;
using HoldoutSplit = SplitOf<SplitName::holdout>;
using ValidSplit = SplitOf<SplitName::valid>;
using TestSplit = SplitOf<SplitName::test>;

struct SplitCounts {
  std::int64_t images = 0;
  std::vector<std::int64_t> by_class;  // of these, the ones with a label
};

struct Skipped {
  std::string path, reason;
};

// Why a published image is not used: it cannot be read; it is in train and a copy of a valid or test image;
// nobody voted for one of the classes; the taggers reached no majority; or the same in train, whose votes are
// learnt, of a copy of an image in holdout, which needs a label.
enum class Unused { unreadable, copies, no_votes, no_majority, holdout_no_majority };

std::string_view to_string(Unused reason);

// What was found on disk and what became of it.
struct Inventory {
  std::map<SplitName, SplitCounts> published, used;
  std::int64_t readable = 0, distinct = 0;  // images, and images without their copies
  std::int64_t subjects = 0;
  std::map<std::pair<SplitName, SplitName>, std::int64_t> groups_across;  // groups of copies in both splits
  std::map<SplitName, std::map<Unused, std::int64_t>> unused;  // as published: of train, not holdout either
  std::vector<Skipped> skipped;                                // images that cannot be read
  std::vector<std::string> problems;                           // what a user should know
  std::vector<std::string> refusals;  // why nobody should train or measure on the set as it is
};

// A split that the set does not have is empty.
struct Dataset {
  std::string name;
  std::filesystem::path folder;  // empty for faces that are drawn
  std::vector<std::string> class_names;
  TrainSplit train;
  HoldoutSplit holdout;
  ValidSplit valid;
  TestSplit test;
  Inventory inventory;

  int classes() const { return static_cast<int>(class_names.size()); }
  // For a split that the user names.
  const Split& split(SplitName name) const;
};

// What training aims at where a set has several taggers: the class of the majority (faces without one are
// left out) or the share of the votes that each class has.
enum class Targets { majority, votes };

struct DatasetOptions {
  int size = 48;  // side of the square that faces are served at
  Targets targets = Targets::votes;
  double holdout = 0.1;          // share of train
  std::uint64_t seed = 0;        // of the holdout's draw
  int threads = 2;               // that decode
  bool skip_unreadable = false;  // train without the images that cannot be read, rather than refuse
  std::int64_t memory = std::int64_t{1} << 30;  // sets of up to so many decoded bytes stay in memory
};

// Finds out what `folder` (or the one folder inside it) holds, and reads it. The best epoch is to be chosen
// on holdout: a stratified share of train's labelled faces, subjects and copies of an image kept together. In
// published splits, train loses its copies of valid and test images. Throws engine::Error if the folder holds
// no known set, if a list of labels is broken, or for the first of the inventory's refusals: images that
// cannot be read, or the same image or subject in several splits that the user made.
Dataset open_dataset(const std::filesystem::path& folder, const DatasetOptions& options);

// The same, but refusals are left in the inventory.
Dataset read_dataset(const std::filesystem::path& folder, const DatasetOptions& options);

// Throws engine::Error, saying what is missing, unless there are faces to train on and faces to choose the
// epoch on.
void check_trainable(const Dataset& dataset);

// 16 hex digits that change with the classes, and with the faces, labels and targets of any split.
std::string fingerprint(const Dataset& dataset);

// FNV-1a, 64 bits, of sides and pixels.
std::uint64_t pixel_hash(int width, int height, std::span<const std::uint8_t> rgb);

}  // namespace fermion::fer
