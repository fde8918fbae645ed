// Small sets on disk, written by tests: pictures that differ by a number, in the layouts that the loaders
// know.
#pragma once

#include <filesystem>
#include <fmt/format.h>
#include <string>
#include <vector>

#include "fer/files.h"
#include "fer/image.h"

namespace fermion::fer {

// Equal for equal numbers, different for different ones (below 2^24).
inline Image numbered_picture(int number, int side = 8) {
  Image image{side, side, {}};
  for (int i = 0; i < side * side; ++i)
    for (int shift : {0, 8, 16})
      image.rgb.push_back(static_cast<std::uint8_t>((number >> shift) + 40 * (i % 5)));
  return image;
}

inline void write_picture(const std::filesystem::path& path, int number) {
  std::filesystem::create_directories(path.parent_path());
  write_png(path, numbered_picture(number));
}

// A face of FER+: its picture's number and its votes in the order of label.csv.
struct FerplusFace {
  int number;
  std::string votes;
};

inline std::string ferplus_row(std::size_t index, const std::string& votes) {
  return fmt::format("fer{:07}.png,\"(0, 0, 8, 8)\",{}\n", index, votes);
}

// `split` is FER2013Train, FER2013Valid or FER2013Test.
inline void write_ferplus(const std::filesystem::path& folder, const std::string& split,
                          const std::vector<FerplusFace>& faces) {
  std::string rows;
  std::filesystem::create_directories(folder / split);
  for (std::size_t i = 0; i < faces.size(); ++i) {
    write_picture(folder / split / fmt::format("fer{:07}.png", i), faces[i].number);
    rows += ferplus_row(i, faces[i].votes);
  }
  write_file(folder / split / "label.csv", rows);
}

// What an engine::Error of the call says; "nothing thrown" if there is none.
template <class Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "nothing thrown";
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace fermion::fer
