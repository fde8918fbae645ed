// A launch of a kernel with its parameters: checks of the configuration, and what a fault does.

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "cudart/modules.h"
#include "cudart/runtime.h"
#include "cudart/work.h"
#include "options.h"
#include "report.h"

namespace ptxi {

static u64 blocks_at_once(const Kernel& k, u64 threads, size_t smem) {
  cudaDeviceProp p;
  device_prop(p);
  return (u64)occupancy(k, (int)threads, smem) * p.multiProcessorCount;
}

// Reports why the launch is refused, if it is.
static cudaError_t check_configuration(const Kernel& k, const FuncState& f, dim3 g, dim3 b, size_t smem,
                                       bool coop) {
  auto complain = [&](cudaError_t code, const std::string& what) {
    report_error("launch refused: " + what + " | kernel " + k.pretty);
    return code;
  };
  const u64 nt = (u64)b.x * b.y * b.z;
  if (!g.x || !g.y || !g.z || !nt)
    return complain(cudaErrorInvalidConfiguration, "a grid or block dimension is 0");
  if (g.x > 2147483647u || g.y > 65535 || g.z > 65535)
    return complain(cudaErrorInvalidConfiguration, "grid too large");
  if (b.x > 1024 || b.y > 1024 || b.z > 64 || nt > 1024)
    return complain(cudaErrorInvalidConfiguration, std::to_string(nt) + " threads per block");
  const u64 total = smem + k.shared_static;
  const u64 limit = f.opted_in ? k.shared_static + (u64)f.max_dynamic : 48 << 10;
  if (total > std::max<u64>(limit, 48 << 10))
    return complain(cudaErrorInvalidValue,
                    std::to_string(total) + " bytes of shared memory, " +
                        (f.opted_in ? "more than the kernel was set to by cudaFuncSetAttribute"
                                    : "more than 48 KiB without cudaFuncSetAttribute"));
  const int* r = k.reqntid;
  if (r[0] && (b.x != (unsigned)r[0] || b.y != (unsigned)r[1] || b.z != (unsigned)r[2]))
    return complain(cudaErrorInvalidValue, "block shape differs from the kernel's required one");
  if (nt > (u64)max_threads(k))
    return complain(cudaErrorLaunchOutOfResources,
                    std::to_string(nt) + " threads per block, but the kernel allows only " +
                        std::to_string(max_threads(k)) + " (launch bounds, or registers)");
  if (coop) {
    const u64 blocks = (u64)g.x * g.y * g.z, most = blocks_at_once(k, nt, smem);
    if (blocks > most)
      return complain(cudaErrorCooperativeLaunchTooLarge,
                      std::to_string(blocks) + " blocks in a cooperative launch, but only " +
                          std::to_string(most) + " fit on the device at once");
  }
  return cudaSuccess;
}

cudaError_t make_call(KernelCall& c, const void* func, dim3 g, dim3 b, void** args, size_t smem, bool coop) {
  cudaError_t e;
  Kernel* k = kernel_of(func, e);
  if (e == cudaErrorNoKernelImageForDevice)
    report_error("launch refused: there is no PTX for compute_" + std::to_string(options().cc) +
                 " (PTXI_CC) or below | kernel " + demangle(funcs()[func].name));
  if (!k) return e;
  if (cudaError_t refused = check_configuration(*k, funcs()[func], g, b, smem, coop)) return refused;
  c.k = k;
  c.func = func;
  c.d = {{g.x, g.y, g.z}, {b.x, b.y, b.z}, smem, coop, blocks_at_once(*k, (u64)b.x * b.y * b.z, smem)};
  c.params.assign(k->param_bytes + 16, 0);
  for (size_t i = 0; i < k->param_off.size(); i++) {
    if (!args || !args[i]) return cudaErrorInvalidValue;
    memcpy(c.params.data() + k->param_off[i], args[i], k->param_size[i]);
  }
  return cudaSuccess;
}

// A fault is reported at once on stderr; to the program it shows up, as on a device, in the calls
// that follow the launch.
cudaError_t run_call(const KernelCall& c) {
  try {
    launch(*c.k, c.d, c.params.data());
  } catch (Fault& f) {
    report_error(f.what() + current_work());
    if (options().abort_on_error) abort();
    g_sticky = (cudaError_t)f.code;
    set_error(g_sticky);
  }
  return cudaSuccess;
}

}  // namespace ptxi
