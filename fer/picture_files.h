// Pictures that a user names, one by one or by the folder, and how far they are from what a network has seen.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "fer/image.h"

namespace fermion::fer {

struct PictureFile {
  std::filesystem::path path;
  std::filesystem::path name;  // below the folder that was named; of a file that was named, its last part
};

// Whether the name ends in the extension of a format that is read (fer/image.h), in whatever case.
bool is_picture(const std::filesystem::path& path);
bool is_png(const std::filesystem::path& path);

using Complain = std::function<void(const std::string& sentence)>;
using ComplainOf = std::function<void(const std::filesystem::path& path, const std::string& sentence)>;

// The files as named, and of each folder the pictures in it and in the folders inside, sorted by path: what
// ends in a picture's extension and is not hidden. `complain` hears of a folder without pictures and of each
// that cannot be read.
std::vector<PictureFile> find_pictures(const std::vector<std::filesystem::path>& inputs,
                                       const ComplainOf& complain);

// FOLDER/NAME with the extension .png for each file, -2, -3, ... appended to a name that occurs again. Throws
// UsageError when one of them is one of the pictures, under whatever name.
std::vector<std::filesystem::path> overlay_paths(const std::vector<PictureFile>& files,
                                                 const std::filesystem::path& folder);

// Why no preprocessing can make the picture look like the faces of `size` px that a network was trained on,
// as sentences without a subject ("is 300 x 100 px; ..."): a side over twice the other (fit cuts the middle
// out), a side under size/2, or nearly one colour (in `face`, the fitted picture, no channel's standard
// deviation reaches 4 of 255). Empty for most.
std::vector<std::string> doubts_about(const Image& picture, const Image& face, int size);

}  // namespace fermion::fer
