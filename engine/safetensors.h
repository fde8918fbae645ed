// The safetensors format: eight bytes with the header's length (little-endian), the header (JSON: for each
// tensor dtype, shape and data_offsets, and `__metadata__`, a map of strings), then the data.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "engine/tensor.h"

namespace fermion::engine {

struct NamedTensor {
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
  std::vector<std::uint8_t> bytes;

  bool operator==(const NamedTensor&) const = default;
};

struct SafeTensors {
  std::map<std::string, std::string> metadata;
  std::vector<NamedTensor> tensors;
  // Set by read_safetensors: the contents were checked against their checksum. Files of other programs carry
  // none.
  bool verified = false;

  // Copies the values.
  void add(std::string name, const Tensor& tensor);
  // Null when there is none of that name.
  const NamedTensor* find(const std::string& name) const;
  // Throws when the file has no such tensor, or one of another dtype or shape.
  void check(const std::string& name, const Tensor& tensor) const;
  // As check, then copies the values.
  void copy_to(const std::string& name, const Tensor& tensor) const;
};

// CRC-32C of the metadata and of every tensor's name, dtype, shape and bytes, in the order of the names, so
// that it survives another program's order of tensors. It leaves out the checksum itself.
std::uint32_t checksum(const SafeTensors& contents);

// Replaces the file as a whole or not at all (engine/atomic_file.h). metadata["fermion"] must be a JSON
// object or absent; the key "checksum" is set in it, "crc32c:" and eight hexadecimal digits. Tensors of
// larger elements come first, so that each is aligned. Throws Error when the file cannot be written or the
// contents are not a valid file: a name twice, bytes that do not fit a shape.
void write_safetensors(const std::filesystem::path& path, const SafeTensors& contents);

// Trusts nothing in the file. Throws Error, one sentence that names the file: missing, not a file, truncated,
// a header over 16 MiB or not JSON, a name or key twice, an unknown dtype, a shape that does not fit the
// bytes or has more than Shape::max_rank dimensions, data that overlap, leave gaps or lie outside, a wrong
// checksum.
SafeTensors read_safetensors(const std::filesystem::path& path);

}  // namespace fermion::engine
