// The expressions, in the order in which every tensor, table and file lists them, and the names that the sets
// use for them.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fermion::fer {

inline constexpr std::array<std::string_view, 8> expressions = {
    "neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt"};

// The first `count` of them: 7, or 8 with contempt. Throws engine::Error for any other count.
std::vector<std::string> class_names(int count);

// The index in `expressions` of what a set calls `name` ("happy", "Happiness", "HA", ...), whatever its case
// and the blanks round it; none if it is no known expression. Numbers are not: every set counts differently.
std::optional<int> expression_of(std::string_view name);

}  // namespace fermion::fer
