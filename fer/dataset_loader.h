// What the loader of one benchmark hands to dataset.cpp. A loader is one file in fer/datasets/: it recognises
// its folder and lists faces and labels; reading, copies, holdout and counts are common to all.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "fer/dataset.h"

namespace fermion::fer {

struct Entry {
  FaceFile file;
  SplitName split = SplitName::train;  // as published; never holdout
  int label = -1;                      // class of the (majority) label; -1: none
  // Share of the votes by class, if the set has several taggers: sums to 1. Without shares and label a face
  // is of no use and only counted.
  std::vector<float> shares;
  std::string subject;
};

struct ExpectedCounts {
  SplitName split;
  std::int64_t images, labelled;
};

struct Listing {
  std::vector<std::string> class_names;
  std::vector<Entry> entries;
  // Fixed splits that others report on: copies across them are dropped from train. In splits that the user
  // made they are refused.
  bool published_splits = false;
  std::vector<ExpectedCounts> expected;  // of the splits that are there
  std::vector<std::string> problems;
};

struct Loader {
  std::string_view name;
  std::string_view layout;  // what it looks for, for the user
  bool (*recognises)(const std::filesystem::path& folder);
  Listing (*list)(const std::filesystem::path& folder);
};

extern const Loader ferplus_loader;  // fer/datasets/ferplus.cpp
extern const Loader folders_loader;  // fer/datasets/folders.cpp

struct FoundSet {
  const Loader* loader;
  std::filesystem::path folder;
};

// The loader of what `folder`, or exactly one folder inside it, holds. Throws engine::Error if there is none
// (it lists what was looked for) or several.
FoundSet find_set(const std::filesystem::path& folder);

}  // namespace fermion::fer
