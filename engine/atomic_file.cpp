#include "engine/atomic_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include "engine/crc32c.h"
#include "engine/error.h"

namespace fermion::engine {
namespace {

namespace fs = std::filesystem;

// Closes what open() returned; negative when that failed.
class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

// These return "" or what went wrong.
std::string cause() {
  return std::strerror(errno);
}

std::string write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return cause();
    if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return "";
}

std::string compare_with(int file, std::uint32_t expected) {
  // Flushed pages may leave the cache, so that the bytes come back from the disk.
  ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  std::vector<char> buffer(std::size_t{1} << 20);
  Crc32c crc;
  for (off_t at = 0;;) {
    const ssize_t count = ::pread(file, buffer.data(), buffer.size(), at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cause();
    if (count == 0) break;
    crc.add(buffer.data(), static_cast<std::size_t>(count));
    at += count;
  }
  return crc.value() == expected ? "" : "what was written reads back differently; the disk may be damaged";
}

std::string write_and_verify(const fs::path& path, const std::vector<std::string_view>& parts) {
  ::unlink(path.c_str());
  const Descriptor file(path, O_RDWR | O_CREAT | O_EXCL);
  if (file.get() < 0) return cause();
  Crc32c crc;
  for (const std::string_view part : parts) {
    if (const std::string error = write_all(file.get(), part); !error.empty()) return error;
    crc.add(part);
  }
  if (::fsync(file.get()) != 0) return cause();
  return compare_with(file.get(), crc.value());
}

// Some file systems cannot flush a folder and say EINVAL.
std::string flush_folder(const fs::path& path) {
  const Descriptor folder(path.has_parent_path() ? path.parent_path() : ".", O_RDONLY | O_DIRECTORY);
  if (folder.get() < 0) return cause();
  return ::fsync(folder.get()) == 0 || errno == EINVAL ? "" : cause();
}

}  // namespace

void replace_file(const fs::path& path, const std::vector<std::string_view>& parts) {
  fs::path temporary = path;
  temporary += ".tmp";
  std::string error = write_and_verify(temporary, parts);
  if (error.empty() && ::rename(temporary.c_str(), path.c_str()) != 0) error = cause();
  if (!error.empty()) ::unlink(temporary.c_str());
  if (error.empty()) error = flush_folder(path);
  if (!error.empty()) throw Error("{} cannot be written: {}", path.string(), error);
}

}  // namespace fermion::engine
