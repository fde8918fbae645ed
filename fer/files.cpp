#include "fer/files.h"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <sys/stat.h>
#include <system_error>

#include "engine/atomic_file.h"
#include "engine/error.h"

namespace fermion::fer {
namespace {

namespace fs = std::filesystem;

// No image, label list or report comes near this; a film given by mistake is refused before it fills memory.
constexpr std::uintmax_t largest_file = std::uintmax_t{1} << 30;

constexpr const char* stdout_path = "/dev/stdout";

}  // namespace

std::vector<std::uint8_t> read_file(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) throw engine::Error("{}: no such file", path.string());
  if (status.type() == fs::file_type::directory)
    throw engine::Error("{} is a folder, not a file", path.string());
  const std::uintmax_t size = fs::file_size(path, error);
  if (error) throw engine::Error("{} cannot be read: {}", path.string(), error.message());
  if (size > largest_file)
    throw engine::Error("{} has {} MiB; files up to {} MiB are read", path.string(), size >> 20,
                        largest_file >> 20);
  std::ifstream file(path, std::ios::binary);
  std::vector<std::uint8_t> bytes(size);
  if (!file || !file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size)))
    throw engine::Error("{} cannot be read: {}", path.string(), std::strerror(errno));
  return bytes;
}

std::optional<FileId> file_id(const fs::path& path) {
  struct stat file;
  if (::stat(path.c_str(), &file) != 0) return std::nullopt;
  return FileId(file.st_dev, file.st_ino);
}

bool is_stdout(const fs::path& path) {
  std::error_code ignored;
  return path == "-" || fs::equivalent(path, stdout_path, ignored);
}

void write_file(const fs::path& path, std::string_view bytes) {
  engine::replace_file(path == "-" ? stdout_path : path.c_str(), {bytes});
}

}  // namespace fermion::fer
