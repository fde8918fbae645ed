#include "fer/dataset.h"

#include "engine/error.h"

namespace fermion::fer {
namespace {

// FNV-1a, 64 bits.
class Hash {
 public:
  void add(const void* data, std::size_t size) {
    const auto* bytes = static_cast<const unsigned char*>(data);
    for (std::size_t i = 0; i < size; ++i) value_ = (value_ ^ bytes[i]) * 0x100000001B3u;
  }
  template <class T>
  void add(const T& value) {
    add(&value, sizeof value);
  }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xCBF29CE484222325u;
};

}  // namespace

std::string_view to_string(SplitName name) {
  constexpr std::string_view names[] = {"train", "holdout", "valid", "test"};
  return names[static_cast<int>(name)];
}

std::string_view to_string(Unused reason) {
  constexpr std::string_view names[] = {"unreadable", "copies", "no_votes", "no_majority",
                                        "holdout_no_majority"};
  return names[static_cast<int>(reason)];
}

std::span<const float> Split::target(std::int64_t sample) const {
  const auto count = static_cast<std::size_t>(classes);
  return std::span(targets).subspan(static_cast<std::size_t>(sample) * count, count);
}

void Split::read(std::int64_t sample, std::span<std::uint8_t> rgb) const {
  faces->read(samples[static_cast<std::size_t>(sample)].face, rgb);
}

void Split::add(Sample sample, std::span<const float> target) {
  if (static_cast<int>(target.size()) != classes)
    throw engine::Error("a target of {} values does not fit {} classes", target.size(), classes);
  samples.push_back(std::move(sample));
  targets.insert(targets.end(), target.begin(), target.end());
}

Split labelled(const Split& split) {
  Split result{split.faces, split.classes, {}, {}};
  for (std::int64_t i = 0; i < split.size(); ++i)
    if (const Sample& sample = split.samples[static_cast<std::size_t>(i)]; sample.label >= 0)
      result.add(sample, split.target(i));
  return result;
}

const Split& Dataset::split(SplitName name) const {
  switch (name) {
    case SplitName::train:
      return train;
    case SplitName::holdout:
      return holdout;
    case SplitName::valid:
      return valid;
    case SplitName::test:
      break;
  }
  return test;
}

void check_trainable(const Dataset& dataset) {
  const std::string where = dataset.folder.empty() ? dataset.name : dataset.folder.string();
  if (dataset.train.empty() && dataset.holdout.empty())
    throw engine::Error("{} has no faces to train on", where);
  if (dataset.train.empty() || dataset.holdout.empty())
    throw engine::Error(
        "{} has too few faces to train on some and choose the best epoch on others: {} in train, {} in "
        "holdout",
        where, dataset.train.size(), dataset.holdout.size());
}

std::string fingerprint(const Dataset& dataset) {
  Hash hash;
  for (const std::string& name : dataset.class_names) hash.add(name.data(), name.size() + 1);
  for (SplitName name : {SplitName::train, SplitName::holdout, SplitName::valid, SplitName::test}) {
    const Split& split = dataset.split(name);
    hash.add(split.size());
    for (const Sample& sample : split.samples) {
      hash.add(sample.hash);
      hash.add(sample.label);
    }
    hash.add(split.targets.data(), split.targets.size() * sizeof(float));
  }
  return fmt::format("{:016x}", hash.value());
}

std::uint64_t pixel_hash(int width, int height, std::span<const std::uint8_t> rgb) {
  Hash hash;
  hash.add(width);
  hash.add(height);
  hash.add(rgb.data(), rgb.size());
  return hash.value();
}

}  // namespace fermion::fer
