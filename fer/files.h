// Whole files in and out. Errors are engine::Error, which names the path and the cause.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

namespace fermion::fer {

// The bytes of a regular file.
std::vector<std::uint8_t> read_file(const std::filesystem::path& path);

// Whether what is written to `path` goes to stdout: "-", or a name of the file that stdout is.
bool is_stdout(const std::filesystem::path& path);

// Replaces `path` as a whole or not at all (engine/atomic_file.h); "-" is stdout.
void write_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace fermion::fer
