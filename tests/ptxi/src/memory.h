// Device memory: allocations, and what is known about each byte of them.
#pragma once

#include <vector>

#include "types.h"

namespace ptxi {

enum AllocKind : u8 { A_DEVICE, A_PINNED, A_MANAGED, A_REGISTERED, A_SYMBOL };
// An access to global memory by a lane. `clock` is Shadow::now of its block.
struct RaceAccess {
  u32 block, launch;
  u32 clock;
  u8 warp, lane;
  AccessKind kind;
  bool follows;  // a write: it comes after the other that is remembered
};
// The newest write and read of a granule, and the newest before by another warp. Zero: none.
struct RaceCell {
  RaceAccess write[2];
  u32 copies, copies_launch;  // cp.async in flight that read it, and of which launch they are
  RaceAccess read[2];
  u32 read_lanes;  // of read[0]'s warp since it last synchronised; see OlderAccesses
};
struct Alloc {
  u64 base = 0, size = 0;  // as the program sees it
  u8* store = nullptr;     // where the bytes are
  AllocKind kind = A_DEVICE;
  unsigned flags = 0;  // of cudaHostAlloc
  u64 serial = 0;
  bool async = false;
  bool freeing = false;  // a stream will free it
  bool managed_variable = false;
  u64 used = 0;                        // the newest launch that touched it
  u64 ld_sectors = 0, st_sectors = 0;  // requested by that launch, where it is counted
  std::string name, freed_by;
  u8* init = nullptr;                    // a byte per byte, nonzero once written (global init check)
  u32 *rtag = nullptr, *wtag = nullptr;  // a word per 32-byte sector: last launch that touched it
  RaceCell* race = nullptr;  // a cell per granule of the running kernel, Kernel::global_granule (race check)
};
Alloc* mem_alloc(u64 size, AllocKind kind, const std::string& name = "");  // null: out of memory
bool mem_free(u64 base, AllocKind kind, const std::string& by = "");
Alloc* mem_register(void* p, u64 size);
bool mem_unregister(void* p);
Alloc* mem_find(u64 addr);                    // the live allocation that contains addr, or null
const Alloc* mem_find_freed(u64 addr);        // the newest of those freed that contained it, or null
bool mem_overlaps(u64 base, u64 size);        // a live allocation
void mem_use(Alloc& a);                       // by the current launch
std::vector<Alloc*> mem_used_by_launch();     // the current one, those that live
extern void (*on_first_use)(const Alloc& a);  // called before a launch touches an allocation
std::string mem_describe(u64 addr);
void mem_mark_init(Alloc* a, u64 off, u64 n);
void mem_free_all();  // cudaDeviceReset

}  // namespace ptxi
