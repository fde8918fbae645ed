#include "tests/compare.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace fermion::test {

std::string compare(const std::vector<double>& actual, const std::vector<double>& expected,
                    const Comparison& how) {
  if (actual.size() != expected.size())
    return fmt::format("{} elements instead of {}", actual.size(), expected.size());
  double largest = how.scale;
  std::size_t zeros = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (std::isfinite(expected[i])) largest = std::max(largest, std::abs(expected[i]));
    zeros += expected[i] == 0;
  }
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const bool same_nan = std::isnan(expected[i]) && std::isnan(actual[i]);
    if (!same_nan && !(std::abs(actual[i] - expected[i]) <= how.tolerance * largest))
      return fmt::format("[{}] is {} instead of {} (tolerance {:.1e} of {})", i, actual[i], expected[i],
                         how.tolerance, largest);
  }
  if (!how.sparse && expected.size() > 1 &&
      static_cast<double>(zeros) > 0.9 * static_cast<double>(expected.size()))
    return fmt::format("{} of {} expected elements are zero: such a test shows nothing", zeros,
                       expected.size());
  return "";
}

}  // namespace fermion::test
