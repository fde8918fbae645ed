// Functions that launch kernels.

#include <cstdio>
#include <memory>
#include <utility>

#include "cudart/modules.h"
#include "cudart/runtime.h"
#include "cudart/work.h"
#include "options.h"

using namespace ptxi;

extern "C" {

struct Config {
  dim3 g, b;
  size_t s;
  cudaStream_t st;
  Place place;  // under late streams
  Config* outer;
};
// Arguments of a launch may be calls of functions that launch.
static thread_local Config* t_config = nullptr;
unsigned __cudaPushCallConfiguration(dim3 g, dim3 b, size_t s, cudaStream_t st) {
  t_config = new Config{g, b, s, st, options().late_streams ? current_call() : Place(), t_config};
  return 0;
}
cudaError_t __cudaPopCallConfiguration(dim3* g, dim3* b, size_t* s, void* st) {
  if (!t_config) return set_error(cudaErrorMissingConfiguration);
  const std::unique_ptr<Config> c(std::exchange(t_config, t_config->outer));
  *g = c->g;
  *b = c->b;
  *s = c->s;
  *(cudaStream_t*)st = c->st;
  if (options().late_streams) set_launch_place(c->place);
  return cudaSuccess;
}
static cudaError_t launch_kernel(const void* f, dim3 g, dim3 b, void** a, size_t s, cudaStream_t st,
                                 bool coop) {
  API();
  Node n;
  n.kind = N_KERNEL;
  if (cudaError_t e = make_call(n.call, f, g, b, a, s, coop)) return set_error(e);
  return submit(st, n);
}
cudaError_t cudaLaunchKernel(const void* f, dim3 g, dim3 b, void** a, size_t s, cudaStream_t st) {
  return launch_kernel(f, g, b, a, s, st, false);
}
cudaError_t cudaLaunchCooperativeKernel(const void* f, dim3 g, dim3 b, void** a, size_t s, cudaStream_t st) {
  return launch_kernel(f, g, b, a, s, st, true);
}
cudaError_t __cudaLaunchKernel(cudaKernel_t k, dim3 g, dim3 b, void** a, size_t s, cudaStream_t st) {
  return launch_kernel(k, g, b, a, s, st, false);
}
cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* c, const void* f, void** a) {
  if (!c) return set_error(cudaErrorInvalidValue);
  bool coop = false;
  for (unsigned i = 0; i < c->numAttrs; i++) {
    const cudaLaunchAttribute& at = c->attrs[i];
    if (at.id == cudaLaunchAttributeCooperative) coop = at.val.cooperative != 0;
    if (at.id == cudaLaunchAttributeClusterDimension &&
        (at.val.clusterDim.x > 1 || at.val.clusterDim.y > 1 || at.val.clusterDim.z > 1)) {
      fprintf(stderr, "[ptxi] thread block clusters are not supported\n");
      return set_error(cudaErrorNotSupported);
    }
    if ((at.id == cudaLaunchAttributeProgrammaticStreamSerialization &&
         at.val.programmaticStreamSerializationAllowed) ||
        at.id == cudaLaunchAttributeProgrammaticEvent || at.id == cudaLaunchAttributeLaunchCompletionEvent) {
      fprintf(stderr, "[ptxi] programmatic dependent launches and events of launches are not supported\n");
      return set_error(cudaErrorNotSupported);
    }
  }
  return launch_kernel(f, c->gridDim, c->blockDim, a, c->dynamicSmemBytes, c->stream, coop);
}
cudaError_t __cudaGetKernel(cudaKernel_t* k, const void* f) {
  *k = (cudaKernel_t)f;
  return cudaSuccess;
}
cudaError_t cudaGetKernel(cudaKernel_t* k, const void* f) {
  API_AFTER_FAULT();
  if (!k) return set_error(cudaErrorInvalidValue);
  if (!funcs().count(f)) return set_error(cudaErrorInvalidDeviceFunction);
  *k = (cudaKernel_t)f;
  return cudaSuccess;
}

}  // extern "C"
