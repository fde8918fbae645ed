#include "fer/face_source.h"

#include <algorithm>

#include "engine/error.h"
#include "engine/memory.h"
#include "fer/progress.h"

namespace fermion::fer {

FaceSource::FaceSource(std::int64_t count, int height, int width)
    : count_(count), height_(height), width_(width) {
  if (count < 0 || height < 1 || width < 1)
    throw engine::Error("{} faces of {} x {} px cannot be stored", count, width, height);
}

void FaceSource::read(std::int64_t index, std::span<std::uint8_t> rgb) const {
  if (index < 0 || index >= count_) throw engine::Error("face {} of {} does not exist", index, count_);
  if (static_cast<std::int64_t>(rgb.size()) != bytes_per_face())
    throw engine::Error("a face of {} bytes does not fit in {}", bytes_per_face(), rgb.size());
  read_face(index, rgb);
}

namespace {

// Linux promises more memory than there is, and ends a program that takes it at its word.
std::size_t allocatable(std::int64_t bytes) {
  const auto machine = static_cast<std::int64_t>(engine::machine_memory());
  if (bytes > machine)
    throw engine::Error("the faces take {}, the machine has {}; fewer or smaller ones fit",
                        bytes_text(static_cast<double>(bytes)), bytes_text(static_cast<double>(machine)));
  return static_cast<std::size_t>(bytes);
}

}  // namespace

MemoryFaces::MemoryFaces(std::int64_t count, int height, int width)
    : FaceSource(count, height, width), pixels_(allocatable(count * bytes_per_face())) {}

std::span<std::uint8_t> MemoryFaces::face(std::int64_t index) {
  return std::span(pixels_).subspan(static_cast<std::size_t>(index * bytes_per_face()),
                                    static_cast<std::size_t>(bytes_per_face()));
}

void MemoryFaces::read_face(std::int64_t index, std::span<std::uint8_t> rgb) const {
  std::copy_n(pixels_.begin() + index * bytes_per_face(), bytes_per_face(), rgb.begin());
}

Image read_face_file(const FaceFile& file) {
  Image image = read_image(file.path);
  const bool cut = file.box && *file.box != Box{0, 0, image.width, image.height};
  try {
    if (cut) image = crop(image, *file.box);
  } catch (const engine::Error& error) {
    throw engine::Error("{}: {}", file.path.string(), error.what());
  }
  if (std::min(image.width, image.height) < smallest_face)
    throw engine::Error("{}{} is {} x {} px, too small for a face", file.path.string(),
                        cut ? ": the box" : "", image.width, image.height);
  return image;
}

FileFaces::FileFaces(std::vector<FaceFile> files, int height, int width)
    : FaceSource(static_cast<std::int64_t>(files.size()), height, width), files_(std::move(files)) {}

void FileFaces::read_face(std::int64_t index, std::span<std::uint8_t> rgb) const {
  std::ranges::copy(fit(read_face_file(files_[static_cast<std::size_t>(index)]), width(), height()).rgb,
                    rgb.begin());
}

}  // namespace fermion::fer
