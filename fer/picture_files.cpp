#include "fer/picture_files.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <fmt/format.h>
#include <set>

#include "fer/config.h"
#include "fer/files.h"

namespace fermion::fer {
namespace {

namespace fs = std::filesystem;

// In small letters.
std::string extension_of(const fs::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return extension;
}

bool is_hidden(const fs::path& path) {
  return path.filename().string().starts_with('.');
}

// Links to folders are not followed.
void append_pictures(const fs::path& folder, const fs::path& top, const ComplainOf& complain,
                     std::vector<PictureFile>& files) {
  std::error_code error;
  for (auto entry = fs::directory_iterator(folder, error); !error && entry != fs::end(entry);
       entry.increment(error)) {
    const fs::path& path = entry->path();
    std::error_code unknown;  // of a link that leads nowhere
    if (is_hidden(path)) continue;
    if (entry->is_directory(unknown)) {
      if (!entry->is_symlink(unknown)) append_pictures(path, top, complain, files);
    } else if (is_picture(path)) {
      files.push_back({path, path.lexically_relative(top)});
    }
  }
  if (error) complain(folder, fmt::format("{} cannot be read: {}", folder.string(), error.message()));
}

// Largest of the three channels' standard deviations, in 0..255.
double spread(const Image& face) {
  const double count = static_cast<double>(face.rgb.size()) / 3;
  std::array<double, 3> mean{}, variance{};
  for (std::size_t i = 0; i < face.rgb.size(); ++i) mean[i % 3] += face.rgb[i] / count;
  for (std::size_t i = 0; i < face.rgb.size(); ++i)
    variance[i % 3] += (face.rgb[i] - mean[i % 3]) * (face.rgb[i] - mean[i % 3]) / count;
  return std::sqrt(std::ranges::max(variance));
}

}  // namespace

bool is_picture(const fs::path& path) {
  constexpr std::array<std::string_view, 3> extensions = {".png", ".jpg", ".jpeg"};
  return std::ranges::find(extensions, extension_of(path)) != extensions.end();
}

bool is_png(const fs::path& path) {
  return extension_of(path) == ".png";
}

std::vector<PictureFile> find_pictures(const std::vector<fs::path>& inputs, const ComplainOf& complain) {
  std::vector<PictureFile> files;
  for (const fs::path& input : inputs) {
    std::error_code ignored;
    if (!fs::is_directory(input, ignored)) {
      files.push_back({input, input.filename()});
      continue;
    }
    std::vector<PictureFile> inside;
    bool complete = true;
    append_pictures(
        input, input,
        [&](const fs::path& path, const std::string& sentence) {
          complete = false;
          complain(path, sentence);
        },
        inside);
    if (inside.empty() && complete) complain(input, fmt::format("{} holds no pictures", input.string()));
    std::ranges::sort(inside, {}, &PictureFile::path);
    files.insert(files.end(), inside.begin(), inside.end());
  }
  return files;
}

std::vector<fs::path> overlay_paths(const std::vector<PictureFile>& files, const fs::path& folder) {
  std::set<FileId> pictures;
  for (const PictureFile& file : files)
    if (const auto id = file_id(file.path)) pictures.insert(*id);
  std::set<fs::path> taken;
  std::vector<fs::path> paths;
  for (const PictureFile& file : files) {
    const std::string stem = (folder / file.name).replace_extension().string();
    fs::path path = stem + ".png";
    for (int i = 2; !taken.insert(path).second; ++i) path = fmt::format("{}-{}.png", stem, i);
    if (const auto id = file_id(path); id && pictures.contains(*id))
      throw UsageError("the overlay of {} would overwrite the picture {}; choose another folder",
                       file.path.string(), path.string());
    paths.push_back(path);
  }
  return paths;
}

std::vector<std::string> doubts_about(const Image& picture, const Image& face, int size) {
  std::vector<std::string> doubts;
  const auto [shorter, longer] = std::minmax(picture.width, picture.height);
  if (longer > 2 * shorter)
    doubts.push_back(fmt::format(
        "is {} x {} px, and only the middle {} x {} px are looked at; cut the face out with --box",
        picture.width, picture.height, shorter, shorter));
  if (2 * shorter < size)
    doubts.push_back(fmt::format("is {} x {} px, where the network was trained on faces of {} x {} px",
                                 picture.width, picture.height, size, size));
  if (spread(face) < 4) doubts.push_back("is nearly of one colour, and no face can be seen in it");
  return doubts;
}

}  // namespace fermion::fer
