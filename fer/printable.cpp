#include "fer/printable.h"

#include <fmt/format.h>

namespace fermion::fer {

std::string printable(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    if (c == '\n')
      result += "\\n";
    else if (c == '\t')
      result += "\\t";
    else if (c == '\r')
      result += "\\r";
    else if (c < 0x20 || c == 0x7F)
      result += fmt::format("\\x{:02x}", c);
    else if (c == 0xC2 && next >= 0x80 && next < 0xA0)
      result += fmt::format("\\xc2\\x{:02x}", next), ++i;
    else
      result += text[i];
  }
  return result;
}

}  // namespace fermion::fer
