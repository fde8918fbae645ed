// Where a part of a warp has synchronised or exited, the newest time will not do for all lanes whose accesses
// to a place are remembered. The times of the others are kept here.
#pragma once

#include <unordered_map>

#include "types.h"

namespace ptxi {

class OlderAccesses {
 public:
  void keep(u64 place, u32 lanes, u32 newest);
  void forget(u64 place, u32 lanes) {
    if (!places.empty()) drop(place, lanes);
  }
  u32 time(u64 place, int lane, u32 newest) const;
  void clear() { places.clear(); }

 private:
  struct Lanes {
    u32 lanes = 0;
    u32 time[32];
  };
  std::unordered_map<u64, Lanes> places;
  void drop(u64 place, u32 lanes);
};

}  // namespace ptxi
