#include "older_accesses.h"

#include "warp.h"

namespace ptxi {

// The lanes have not accessed the place since `newest`, others now do.
void OlderAccesses::keep(u64 place, u32 lanes, u32 newest) {
  Lanes& at = places[place];
  FOR_LANES(l, lanes & ~at.lanes) at.time[l] = newest;
  at.lanes |= lanes;
}

u32 OlderAccesses::time(u64 place, int lane, u32 newest) const {
  if (places.empty()) return newest;
  const auto at = places.find(place);
  return at != places.end() && at->second.lanes >> lane & 1 ? at->second.time[lane] : newest;
}

void OlderAccesses::drop(u64 place, u32 lanes) {
  const auto at = places.find(place);
  if (at == places.end()) return;
  at->second.lanes &= ~lanes;
  if (!at->second.lanes) places.erase(at);
}

}  // namespace ptxi
