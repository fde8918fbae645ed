#if FERMION_CUDA
#include "engine/profile_range.h"

#include <cuda_profiler_api.h>
#include <nvtx3/nvToolsExt.h>
#include <nvtx3/nvToolsExtCudaRt.h>

namespace fermion::engine {
namespace {

nvtxDomainHandle_t domain() {
  static const nvtxDomainHandle_t handle = nvtxDomainCreateA("fermion");
  return handle;
}

}  // namespace

void name_stream(CUstream_st* stream, const char* name) {
  nvtxNameCudaStreamA(stream, name);
}

ProfileRange::ProfileRange(const std::string& name) {
  nvtxEventAttributes_t event{};
  event.version = NVTX_VERSION;
  event.size = NVTX_EVENT_ATTRIB_STRUCT_SIZE;
  event.messageType = NVTX_MESSAGE_TYPE_ASCII;
  event.message.ascii = name.c_str();
  nvtxDomainRangePushEx(domain(), &event);
}

ProfileRange::~ProfileRange() {
  nvtxDomainRangePop(domain());
}

// Without a driver or a profiler there is nothing to start.
ProfiledPart::ProfiledPart() {
  cudaProfilerStart();
}

ProfiledPart::~ProfiledPart() {
  cudaProfilerStop();
}

}  // namespace fermion::engine
#endif
