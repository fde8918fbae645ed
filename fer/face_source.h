// Where faces come from: u8 [height, width, 3] by index.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "fer/image.h"

namespace fermion::fer {

// Fewer pixels a side show no face.
inline constexpr int smallest_face = 8;

class FaceSource {
 public:
  virtual ~FaceSource() = default;

  std::int64_t count() const { return count_; }
  int height() const { return height_; }
  int width() const { return width_; }
  std::int64_t bytes_per_face() const { return std::int64_t{3} * height_ * width_; }

  // Writes face `index` as [height, width, 3]. Any number of threads may read at once. Throws engine::Error
  // for an index or a size that does not fit, and for a file that cannot be read.
  void read(std::int64_t index, std::span<std::uint8_t> rgb) const;

 protected:
  // Throws engine::Error unless the count is >= 0 and the sides are >= 1.
  FaceSource(std::int64_t count, int height, int width);

 private:
  virtual void read_face(std::int64_t index, std::span<std::uint8_t> rgb) const = 0;

  std::int64_t count_;
  int height_, width_;
};

// All faces in one block of memory, black until written.
class MemoryFaces final : public FaceSource {
 public:
  // Throws engine::Error when they take more memory than the machine has.
  MemoryFaces(std::int64_t count, int height, int width);

  // Where face `index` is to be written. Threads may write different faces at once, but not while others
  // read.
  std::span<std::uint8_t> face(std::int64_t index);

 private:
  void read_face(std::int64_t index, std::span<std::uint8_t> rgb) const override;

  std::vector<std::uint8_t> pixels_;  // [count, height, width, 3]
};

struct FaceFile {
  std::filesystem::path path;
  std::optional<Box> box;  // the face in the picture; all of it if there is none
};

// The picture, cut to the box. Errors name the path.
Image read_face_file(const FaceFile& file);

// Faces that stay on disk and are decoded and fitted (see fit) at every read.
class FileFaces final : public FaceSource {
 public:
  FileFaces(std::vector<FaceFile> files, int height, int width);

 private:
  void read_face(std::int64_t index, std::span<std::uint8_t> rgb) const override;

  std::vector<FaceFile> files_;
};

}  // namespace fermion::fer
