#include "engine/atomic_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/crc32c.h"

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

std::string write_and_verify(int file, const std::vector<std::string_view>& parts) {
  Crc32c crc;
  for (const std::string_view part : parts) {
    if (const std::string error = write_all(file, part); !error.empty()) return error;
    crc.add(part);
  }
  if (::fsync(file) != 0) return cause();
  return compare_with(file, crc.value());
}

// Some file systems cannot flush a folder and say EINVAL.
std::string flush_folder(const fs::path& path) {
  const Descriptor folder(path.has_parent_path() ? path.parent_path() : ".", O_RDONLY | O_DIRECTORY);
  if (folder.get() < 0) return cause();
  return ::fsync(folder.get()) == 0 || errno == EINVAL ? "" : cause();
}

// The file itself, there or not, where `path` is a symbolic link.
fs::path target_of(fs::path path) {
  std::error_code ignored;
  for (int links = 0; links < 40 && fs::is_symlink(path, ignored); ++links)
    path = path.parent_path() / fs::read_symlink(path, ignored);
  return path;
}

std::string write_all(int file, const std::vector<std::string_view>& parts) {
  if (file < 0) return cause();
  for (const std::string_view part : parts)
    if (const std::string error = write_all(file, part); !error.empty()) return error;
  return "";
}

// Its descriptor if the file is stdout or stderr, else -1. To open it anew would begin at its start.
int standard_stream(const struct stat& file) {
  for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat open;
    if (::fstat(stream, &open) == 0 && open.st_dev == file.st_dev && open.st_ino == file.st_ino)
      return stream;
  }
  return -1;
}

std::string replace(const fs::path& path, const std::vector<std::string_view>& parts) {
  const std::string temporary = path.string() + ".tmp";
  struct stat rest;
  if (::lstat(temporary.c_str(), &rest) == 0) {
    if (!S_ISREG(rest.st_mode)) return temporary + " is in the way";
    ::unlink(temporary.c_str());
  }
  const Descriptor file(temporary, O_RDWR | O_CREAT | O_EXCL);
  if (file.get() < 0) return cause();
  std::string error = write_and_verify(file.get(), parts);
  if (error.empty() && ::rename(temporary.c_str(), path.c_str()) != 0) error = cause();
  if (!error.empty()) ::unlink(temporary.c_str());
  return error.empty() ? flush_folder(path) : error;
}

}  // namespace

void replace_file(const fs::path& path, const std::vector<std::string_view>& parts) {
  struct stat old;
  const bool there = ::stat(path.c_str(), &old) == 0;
  std::string error;
  if (!there && errno == ELOOP)
    error = cause();
  else if (const int stream = there ? standard_stream(old) : -1; stream >= 0)
    error = std::fflush(nullptr) == 0 ? write_all(stream, parts) : cause();
  else if (there && !S_ISREG(old.st_mode) && !S_ISDIR(old.st_mode))
    error = write_all(Descriptor(path, O_WRONLY).get(), parts);
  else
    error = replace(target_of(path), parts);
  if (!error.empty()) throw WriteError("{} cannot be written: {}", path.string(), error);
}

}  // namespace fermion::engine
