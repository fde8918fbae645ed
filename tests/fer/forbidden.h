// A folder that this process may not read while it lives, also where the tests run as root.
#pragma once

#include <doctest/doctest.h>
#include <filesystem>
#include <unistd.h>

namespace fermion::fer {

class Forbidden {
 public:
  explicit Forbidden(const std::filesystem::path& folder) : folder_(folder), user_(::geteuid()) {
    namespace fs = std::filesystem;
    // The folders above are a temporary one, which only its owner may enter.
    for (fs::path above = folder.parent_path();
         above != fs::temp_directory_path() && above.has_relative_path(); above = above.parent_path())
      fs::permissions(
          above,
          fs::perms::group_exec | fs::perms::group_read | fs::perms::others_exec | fs::perms::others_read,
          fs::perm_options::add);
    fs::permissions(folder, fs::perms::none);
    constexpr uid_t nobody = 65534;
    if (user_ == 0) REQUIRE(::seteuid(nobody) == 0);
  }
  ~Forbidden() {
    if (user_ == 0) CHECK(::seteuid(0) == 0);
    std::filesystem::permissions(folder_, std::filesystem::perms::owner_all);
  }
  Forbidden(const Forbidden&) = delete;

 private:
  std::filesystem::path folder_;
  uid_t user_;
};

}  // namespace fermion::fer
