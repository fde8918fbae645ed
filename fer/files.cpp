#include "fer/files.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <system_error>
#include <unistd.h>

#include "engine/error.h"

namespace fermion::fer {
namespace {

namespace fs = std::filesystem;

// No image, label list or report comes near this; a film given by mistake is refused before it fills memory.
constexpr std::uintmax_t largest_file = std::uintmax_t{1} << 30;

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

// Returns errno, 0 on success.
int write_and_flush(const fs::path& path, std::string_view bytes) {
  Descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
  if (file.fd < 0) return errno;
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.fd, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return errno;
    if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fsync(file.fd) == 0 ? 0 : errno;
}

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

void write_file(const fs::path& path, std::string_view bytes) {
  fs::path temporary = path;
  temporary += fmt::format(".{}.tmp", ::getpid());
  int error = write_and_flush(temporary, bytes);
  if (error == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) error = errno;
  if (error == 0) return;
  ::unlink(temporary.c_str());
  throw engine::Error("{} cannot be written: {}", path.string(), std::strerror(error));
}

}  // namespace fermion::fer
