// The addresses of a request, lane by lane and as a whole.
#pragma once

#include "block.h"

namespace ptxi {

// The addresses of all 32 lanes (those of inactive lanes are meaningless).
inline void lane_addresses(Warp& w, Ref base, i64 off, Space sp, u64* addr) {
  if (base.cls() == RC_64) {
    const u64* r = w.r64(base);
    for (int l = 0; l < 32; l++) addr[l] = r[l] + (u64)off;
  } else {
    const u32* r = w.r32(base);
    for (int l = 0; l < 32; l++) addr[l] = (u32)(r[l] + (u32)off);
  }
  if (sp == SP_SHARED || sp == SP_LOCAL)
    for (int l = 0; l < 32; l++) addr[l] = addr[l] >> 56 ? addr[l] : (u32)addr[l];
}

// If every active lane's access lies in one block of memory, the pointer that corresponds to
// address 0; otherwise (and whenever a lane needs checks of its own) null.
u8* bulk_base(Warp& w, const Instruction& in, Space sp, const u64* addr, u32 m, unsigned n, bool write,
              bool atomic);

}  // namespace ptxi
