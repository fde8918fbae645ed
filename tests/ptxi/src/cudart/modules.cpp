// Registration: the modules, kernels and variables of a program.

#include "cudart/modules.h"

#include <cstdio>
#include <cstring>
#include <fatbinary_section.h>

#include "cudart/runtime.h"
#include "fatbin.h"
#include "memory.h"
#include "mutants.h"
#include "options.h"
#include "report.h"

namespace ptxi {

namespace {

struct VarState {
  FatBinary* fb = nullptr;
  std::string name;
  size_t size = 0;
};

}  // namespace

// Never destroyed: programs unregister and free things from static destructors.
std::map<const void*, FuncState>& funcs() {
  static auto* m = new std::map<const void*, FuncState>;
  return *m;
}
static std::map<const void*, VarState>& vars() {
  static auto* m = new std::map<const void*, VarState>;
  return *m;
}
static std::vector<FatBinary*>& binaries() {
  static auto* v = new std::vector<FatBinary*>;
  return *v;
}

Kernel* kernel_of(const void* func, cudaError_t& e) {
  auto i = funcs().find(func);
  if (i == funcs().end()) {
    e = cudaErrorInvalidDeviceFunction;
    return nullptr;
  }
  if (!i->second.fb->m) {
    e = i->second.fb->error.empty() ? cudaErrorNoKernelImageForDevice : cudaErrorInvalidPtx;
    return nullptr;
  }
  try {
    Kernel* k = find_kernel(*i->second.fb->m, i->second.name);
    e = k ? cudaSuccess : cudaErrorInvalidDeviceFunction;
    return k;
  } catch (Fault& f) {
    report_error(f.what());
    e = (cudaError_t)f.code;
    return nullptr;
  }
}

void* symbol_address(const void* symbol, size_t* size) {
  auto i = vars().find(symbol);
  if (i == vars().end() || !i->second.fb->m) return nullptr;
  auto& g = i->second.fb->m->globals;
  auto v = g.find(i->second.name);
  if (v == g.end()) return nullptr;
  if (size) *size = v->second.size;
  return (void*)v->second.addr;
}

void modules_reset() {
  for (FatBinary* b : binaries())
    if (b->m)
      for (auto& g : b->m->globals) {
        Alloc* a = mem_find(g.second.addr);
        if (a) memcpy(a->store, g.second.init.data(), g.second.init.size());
      }
  for (auto& f : funcs()) {
    f.second.max_dynamic = 48 << 10;
    f.second.opted_in = false;
  }
}

}  // namespace ptxi

using namespace ptxi;

extern "C" {

void** __cudaRegisterFatBinary(void* w) {
  LOCK();
  auto* wrapper = (__fatBinC_Wrapper_t*)w;
  auto* b = new FatBinary;
  try {
    std::string t = fatbin_ptx(wrapper->data, options().cc);
    if (!t.empty()) {
      b->m = load_module(t);
      find_mutants(*b->m);
    }
  } catch (Fault& f) {
    b->error = f.what();
    report_error(std::string("in a module: ") + f.what());
  }
  binaries().push_back(b);
  return (void**)b;
}
void __cudaRegisterFatBinaryEnd(void**) {}
void __cudaUnregisterFatBinary(void**) {}
char __cudaInitModule(void**) {
  return 1;
}
void __cudaRegisterFunction(void** h, const char* host, char*, const char* name, int, uint3*, uint3*, dim3*,
                            dim3*, int*) {
  LOCK();
  FuncState f;
  f.fb = (FatBinary*)h;
  f.name = name;
  funcs()[host] = f;
}
void __cudaRegisterVar(void** h, char* host, char*, const char* name, int, size_t size, int, int) {
  LOCK();
  vars()[host] = {(FatBinary*)h, name, size};
}

// The host sees the bytes of a managed variable where they are stored.
void __cudaRegisterManagedVar(void** h, void** host, char*, const char* name, int, size_t size, int, int) {
  LOCK();
  vars()[host] = {(FatBinary*)h, name, size};
  Alloc* a = mem_find((u64)symbol_address(host, nullptr));
  if (!a) return;
  *host = a->store;
  if (a->store != (u8*)a->base) {
    a = mem_register(a->store, a->size);
    a->name = name;
  }
  a->managed_variable = true;
}

}  // extern "C"
