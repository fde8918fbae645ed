// The folder of a run belongs to one process at a time.
#pragma once

#include <filesystem>

namespace fermion::fer {

// Held until it is destroyed or the process ends, however that happens. Where a file system knows no locks,
// it holds nothing.
class FolderLock {
 public:
  // Throws engine::Error when another process holds it.
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;

 private:
  int folder_;
};

}  // namespace fermion::fer
