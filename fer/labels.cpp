#include "fer/labels.h"

#include <algorithm>
#include <cctype>

#include "engine/error.h"

namespace fermion::fer {
namespace {

// Row i holds what expression i is called. The two-letter codes are JAFFE's.
constexpr std::array<std::array<std::string_view, 6>, expressions.size()> synonyms = {{
    {"neutral", "ne", "neutrality", "normal", "no expression", "natural"},
    {"happiness", "ha", "happy", "joy", "smile", "joyful"},
    {"sadness", "sa", "sad", "sorrow"},
    {"surprise", "su", "surprised", "surprising", "suprise", "suprised"},
    {"fear", "fe", "fearful", "afraid", "scared"},
    {"disgust", "di", "disgusted", "disgusting"},
    {"anger", "an", "angry"},
    {"contempt", "co", "contemptuous"},
}};

std::string normalised(std::string_view name) {
  const auto blank = [](unsigned char c) { return std::isspace(c) != 0; };
  while (!name.empty() && blank(static_cast<unsigned char>(name.front()))) name.remove_prefix(1);
  while (!name.empty() && blank(static_cast<unsigned char>(name.back()))) name.remove_suffix(1);
  std::string lower(name);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

}  // namespace

std::vector<std::string> class_names(int count) {
  if (count != 7 && count != 8)
    throw engine::Error("{} classes: the expressions are 7, or 8 with contempt", count);
  return {expressions.begin(), expressions.begin() + count};
}

std::optional<int> expression_of(std::string_view name) {
  const std::string wanted = normalised(name);
  if (wanted.empty()) return std::nullopt;
  for (std::size_t i = 0; i < synonyms.size(); ++i)
    if (std::find(synonyms[i].begin(), synonyms[i].end(), wanted) != synonyms[i].end())
      return static_cast<int>(i);
  return std::nullopt;
}

}  // namespace fermion::fer
