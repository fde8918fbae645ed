// Errors that a user can act on: one sentence that says what, where and what to do.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <stdexcept>

namespace fermion::engine {

class Error : public std::runtime_error {
 public:
  template <class... Args>
  explicit Error(fmt::format_string<Args...> format, Args&&... args)
      : std::runtime_error(fmt::format(format, std::forward<Args>(args)...)) {}
};

}  // namespace fermion::engine
