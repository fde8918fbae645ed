// Places are found on the stack. An offset into a program is what `addr2line -i -e program` takes.

#include "cudart/place.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <execinfo.h>
#include <link.h>

namespace ptxi {

using std::string;

namespace {

constexpr int kFrames = 24;

thread_local Place t_launch;

const void* library_of(const void* address) {
  Dl_info info;
  return dladdr(address, &info) ? info.dli_fbase : nullptr;
}

string code_text(const void* address) {
  Dl_info info;
  link_map* map = nullptr;
  if (!dladdr1(address, &info, (void**)&map, RTLD_DL_LINKMAP) || !map) return "an unknown place";
  const string path = info.dli_fname;
  char offset[32];
  snprintf(offset, sizeof offset, "+0x%llx", (unsigned long long)((uintptr_t)address - map->l_addr));
  return path.substr(path.rfind('/') + 1) + offset;
}

}  // namespace

Place current_call() {
  static const void* const own = library_of((const void*)&current_call);
  static const void* const libc = library_of((const void*)&abort);
  void* frames[kFrames];
  const int n = backtrace(frames, kFrames);
  Place place;
  int i = 1;
  for (; i < n && library_of(frames[i]) == own; i++) {
    Dl_info info;  // only entry points have names here, and the last one is the outermost
    if (dladdr(frames[i], &info) && info.dli_sname) place.function = info.dli_sname;
  }
  if (!strcmp(place.function, "__cudaLaunchKernel") && t_launch.callers[0])
    return {place.function, t_launch.callers};
  for (size_t known = 0; i < n && known < place.callers.size(); i++) {
    const void* library = library_of(frames[i]);
    if (library == libc || library == own) break;         // who calls main, a thread or a host function
    place.callers[known++] = (const char*)frames[i] - 1;  // in the call, not behind it
  }
  return place;
}

void set_launch_place(const Place& pushed) {
  t_launch = pushed;
}

string text(const Place& place) {
  string s = place.function;
  for (size_t i = 0; i < place.callers.size() && place.callers[i]; i++)
    s += (i ? " from " : " called at ") + code_text(place.callers[i]);
  return s;
}

string current_code() {
  static const void* const own = library_of((const void*)&current_code);
  static const void* const libc = library_of((const void*)&abort);
  void* frames[kFrames];
  const int n = backtrace(frames, kFrames);
  for (int i = 1; i < n; i++) {
    const void* library = library_of(frames[i]);
    if (library != own && library != libc) return code_text(frames[i]);
  }
  return "an unknown place";
}

}  // namespace ptxi
