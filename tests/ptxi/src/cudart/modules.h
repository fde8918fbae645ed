// What a program registered, and what is known of its kernels.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "cudart/runtime.h"

namespace ptxi {

struct FatBinary {
  std::unique_ptr<Module> m;
  std::string error;
};
struct FuncState {
  FatBinary* fb = nullptr;
  std::string name;
  int max_dynamic = 48 << 10;  // without an opt-in
  bool opted_in = false;
  int carveout = -1;
};

std::map<const void*, FuncState>& funcs();
size_t optin_limit();  // bytes of shared memory that a block can opt in to
int max_threads(const Kernel& k);
// Blocks of the kernel that fit on a multiprocessor.
int occupancy(const Kernel& k, int threads, size_t smem);

}  // namespace ptxi
