#include "global_shadow.h"

#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>

#include "options.h"

namespace ptxi {

namespace {

// Zeroed, lazily backed pages.
u8* shadow_pages(u64 bytes) {
  void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) {
    fprintf(stderr, "[ptxi] out of memory for a shadow of %llu bytes\n", (unsigned long long)bytes);
    abort();
  }
  return (u8*)p;
}

// A tag for each sector that the allocation may have a part of.
u64 tag_bytes(const Alloc& a) {
  return ((a.size + 31) / 32 + 2) * sizeof(u32);
}

}  // namespace

void make_shadows(Alloc& a) {
  // What the host writes to memory of its own is not seen, so only device memory is checked.
  if (options().init_check && (a.kind == A_DEVICE || a.kind == A_SYMBOL)) a.init = shadow_pages(a.size);
  if (!options().counters.empty()) {
    a.rtag = (u32*)shadow_pages(tag_bytes(a));
    a.wtag = (u32*)shadow_pages(tag_bytes(a));
  }
  if (options().race_check) a.race = (RaceCell*)shadow_pages(a.size * sizeof(RaceCell));
}

void drop_shadows(Alloc& a) {
  if (a.init) munmap(a.init, a.size);
  if (a.rtag) munmap(a.rtag, tag_bytes(a));
  if (a.wtag) munmap(a.wtag, tag_bytes(a));
  if (a.race) munmap(a.race, a.size * sizeof(RaceCell));
  a.init = nullptr;
  a.rtag = a.wtag = nullptr;
  a.race = nullptr;
}

}  // namespace ptxi
