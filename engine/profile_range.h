// Ranges that profilers show: NVTX, domain "fermion". Nothing in builds without CUDA.
#pragma once

#include <string>

namespace fermion::engine {

// From its construction to its destruction, on this thread; ranges nest.
class ProfileRange {
 public:
#if FERMION_CUDA
  explicit ProfileRange(const std::string& name);
  ~ProfileRange();
#else
  explicit ProfileRange(const std::string&) {}
  ~ProfileRange() {}
#endif
  ProfileRange(const ProfileRange&) = delete;
};

}  // namespace fermion::engine
