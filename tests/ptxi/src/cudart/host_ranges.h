// Bytes of the host's memory that a piece of work reads or writes.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "cudart/runtime.h"

namespace ptxi {

struct HostRange {
  u64 base, size;
  bool written;
  std::optional<u64> sum;  // of the bytes, while no host function may write them
  bool covered = false;    // work before will write them all: until then they do not matter
};

std::vector<HostRange> host_ranges(const Node& n);
// Not managed memory, of which the host and the device may use different parts at a time.
bool is_host(u64 p);
bool overlap(const HostRange& r, u64 base, u64 size);
u64 sum_of(const HostRange& r);
std::string text(const HostRange& r);        // "64 bytes at pageable host memory"
std::string needs_text(const HostRange& r);  // what the work " has yet to" do

}  // namespace ptxi
