// The same pages, mapped twice.

#include "pinned.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

namespace ptxi {

bool pinned_map(Alloc& a) {
  const int file = memfd_create("pinned", MFD_CLOEXEC);
  if (file < 0) return false;
  void *seen = MAP_FAILED, *stored = MAP_FAILED;
  if (ftruncate(file, (off_t)a.size) == 0) {
    seen = mmap(nullptr, a.size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    stored = mmap(nullptr, a.size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  }
  close(file);
  if (seen == MAP_FAILED || stored == MAP_FAILED) {
    fprintf(stderr, "[ptxi] cannot map pinned memory: %s (each allocation takes two of vm.max_map_count)\n",
            strerror(errno));
    if (seen != MAP_FAILED) munmap(seen, a.size);
    if (stored != MAP_FAILED) munmap(stored, a.size);
    return false;
  }
  a.base = (u64)seen;
  a.store = (u8*)stored;
  return true;
}

void pinned_unmap(const Alloc& a) {
  munmap((void*)a.base, a.size);
  munmap(a.store, a.size);
}

}  // namespace ptxi
