// Whole files in and out. Errors are engine::Error, which names the path and the cause.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

namespace fermion::fer {

// The bytes of a regular file.
std::vector<std::uint8_t> read_file(const std::filesystem::path& path);

// Replaces `path` at once: the bytes go to a temporary file beside it, are flushed and renamed, so that a
// crash or a full disk leaves either the old file or the new one, never half of one.
void write_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace fermion::fer
