// Files that are replaced as a whole or not at all.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "engine/error.h"

namespace fermion::engine {

// What was there before is kept.
class WriteError : public Error {
  using Error::Error;
};

// Replaces `path` by the parts, one after the other. They go to `path`.tmp, which is flushed to the disk,
// read back and compared, and only then renamed to `path`; then the folder is flushed. A crash, a kill or a
// full disk at any moment leaves either the old file or the new one. A temporary file left by a killed
// process is replaced by the next call; anything there that is no regular file is in the way. Two processes
// must not write one path at a time.
//
// A symbolic link stays one: the file that it points to is replaced. What is there and is no regular file, a
// FIFO or a device, is written to as it is. So is stdout or stderr under whatever name, after all that was
// printed.
//
// Throws WriteError, with the path and the cause, and leaves the old file as it was.
void replace_file(const std::filesystem::path& path, const std::vector<std::string_view>& parts);

}  // namespace fermion::engine
