// What profilers are told: names of streams, ranges (NVTX, domain "fermion"), and the part of a run that they
// record when they are started with that request (cudaProfilerStart and Stop). Nothing in builds without
// CUDA.
#pragma once

#include <string>

struct CUstream_st;

namespace fermion::engine {

#if FERMION_CUDA
void name_stream(CUstream_st* stream, const char* name);
#endif

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

// From its construction to its destruction. The device is to be idle at both.
class ProfiledPart {
 public:
#if FERMION_CUDA
  ProfiledPart();
  ~ProfiledPart();
#else
  ProfiledPart() {}
  ~ProfiledPart() {}
#endif
  ProfiledPart(const ProfiledPart&) = delete;
};

}  // namespace fermion::engine
