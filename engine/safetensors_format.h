// What writing and reading of safetensors share.
#pragma once

#include <bit>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/safetensors.h"

namespace fermion::engine::safetensors {

static_assert(std::endian::native == std::endian::little, "the data section is little-endian");

inline constexpr std::uint64_t length_bytes = 8;
inline constexpr std::uint64_t largest_header = std::uint64_t{16} << 20;
inline constexpr const char* metadata_key = "__metadata__";

struct FormatType {
  const char* name;
  DType dtype;
};
inline constexpr FormatType format_types[] = {
    {"F32", DType::f32}, {"BF16", DType::bf16}, {"U8", DType::u8}, {"I32", DType::i32}};

// Names in errors: whatever the file holds, on one line.
std::string quoted(const std::string& text);

// metadata["fermion"] as JSON, an empty object when absent. Throws when it is something else.
nlohmann::json fermion_json(const SafeTensors& contents);

std::string checksum_text(const SafeTensors& contents);  // "crc32c:0123abcd"

}  // namespace fermion::engine::safetensors
