// Whole files in and out. Errors are engine::Error, which names the path and the cause.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace fermion::fer {

// The bytes of a regular file.
std::vector<std::uint8_t> read_file(const std::filesystem::path& path);

// The file that a path leads to, the same for all its names and links: device and number. None where nothing
// is.
using FileId = std::pair<std::uint64_t, std::uint64_t>;
std::optional<FileId> file_id(const std::filesystem::path& path);

// Whether what is written to `path` goes to stdout: "-", or a name of the file that stdout is.
bool is_stdout(const std::filesystem::path& path);

// Replaces `path` as a whole or not at all (engine/atomic_file.h); "-" is stdout.
void write_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace fermion::fer
