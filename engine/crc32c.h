// CRC-32C (Castagnoli), reflected polynomial 0x82F63B78, eight bytes at a time ("slicing by eight", Kounavis
// and Berry, 2005).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace fermion::engine {

namespace crc32c_tables {

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr Tables make() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
    tables[0][byte] = crc;
  }
  for (std::size_t byte = 0; byte < 256; ++byte)
    for (std::size_t k = 1; k < 8; ++k)
      tables[k][byte] = tables[k - 1][byte] >> 8 ^ tables[0][tables[k - 1][byte] & 255];
  return tables;
}

inline constexpr Tables tables = make();

}  // namespace crc32c_tables

// The checksum of everything added so far, in order. "123456789" gives E3069283.
class Crc32c {
 public:
  void add(const void* data, std::size_t bytes) {
    const auto& t = crc32c_tables::tables;
    const auto* at = static_cast<const unsigned char*>(data);
    for (; bytes >= 8; bytes -= 8, at += 8) {
      std::uint32_t low;
      std::memcpy(&low, at, 4);
      low ^= state_;
      state_ = t[7][low & 255] ^ t[6][low >> 8 & 255] ^ t[5][low >> 16 & 255] ^ t[4][low >> 24] ^
               t[3][at[4]] ^ t[2][at[5]] ^ t[1][at[6]] ^ t[0][at[7]];
    }
    for (; bytes > 0; --bytes, ++at) state_ = state_ >> 8 ^ t[0][(state_ ^ *at) & 255];
  }
  void add(std::string_view text) { add(text.data(), text.size()); }

  std::uint32_t value() const { return ~state_; }

 private:
  std::uint32_t state_ = 0xFFFFFFFFu;
};

}  // namespace fermion::engine
