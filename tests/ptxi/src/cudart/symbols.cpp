// Variables of device code.

#include "cudart/runtime.h"
#include "memory.h"
#include "report.h"

using namespace ptxi;

extern "C" {

cudaError_t cudaGetSymbolAddress(void** p, const void* s) {
  API();
  if (!p) return set_error(cudaErrorInvalidValue);
  *p = symbol_address(s, nullptr);
  return *p ? cudaSuccess : set_error(cudaErrorInvalidSymbol);
}
cudaError_t cudaGetSymbolSize(size_t* n, const void* s) {
  API();
  if (!n) return set_error(cudaErrorInvalidValue);
  return symbol_address(s, n) ? cudaSuccess : set_error(cudaErrorInvalidSymbol);
}
static cudaError_t symbol_range(const void* s, size_t n, size_t o, const char* what, char** p) {
  size_t size = 0;
  *p = (char*)symbol_address(s, &size);
  if (!*p) return cudaErrorInvalidSymbol;
  if (o > size || n > size - o) {
    report_error(std::string(what) + ": " + std::to_string(n) + " bytes at " + mem_describe((u64)*p + o) +
                 " run over its end");
    return cudaErrorInvalidValue;
  }
  *p += o;
  return cudaSuccess;
}
static cudaError_t to_symbol(const void* s, const void* src, size_t n, size_t o, cudaMemcpyKind k, bool async,
                             cudaStream_t st) {
  API();
  if (k == cudaMemcpyHostToHost || k == cudaMemcpyDeviceToHost)
    return set_error(cudaErrorInvalidMemcpyDirection);
  char* p;
  if (cudaError_t e = symbol_range(s, n, o, "memcpy destination", &p)) return set_error(e);
  if (cudaError_t e = check_kind(p, src, n > 0, k)) return set_error(e);
  return submit_transfer(st, copy_node(p, n, src, n, n, 1), async);
}
static cudaError_t from_symbol(void* d, const void* s, size_t n, size_t o, cudaMemcpyKind k, bool async,
                               cudaStream_t st) {
  API();
  if (k == cudaMemcpyHostToHost || k == cudaMemcpyHostToDevice)
    return set_error(cudaErrorInvalidMemcpyDirection);
  char* p;
  if (cudaError_t e = symbol_range(s, n, o, "memcpy source", &p)) return set_error(e);
  if (cudaError_t e = check_kind(d, p, n > 0, k)) return set_error(e);
  return submit_transfer(st, copy_node(d, n, p, n, n, 1), async);
}
cudaError_t cudaMemcpyToSymbol(const void* s, const void* src, size_t n, size_t o, cudaMemcpyKind k) {
  return to_symbol(s, src, n, o, k, false, nullptr);
}
cudaError_t cudaMemcpyFromSymbol(void* d, const void* s, size_t n, size_t o, cudaMemcpyKind k) {
  return from_symbol(d, s, n, o, k, false, nullptr);
}
cudaError_t cudaMemcpyToSymbolAsync(const void* s, const void* src, size_t n, size_t o, cudaMemcpyKind k,
                                    cudaStream_t st) {
  return to_symbol(s, src, n, o, k, true, st);
}
cudaError_t cudaMemcpyFromSymbolAsync(void* d, const void* s, size_t n, size_t o, cudaMemcpyKind k,
                                      cudaStream_t st) {
  return from_symbol(d, s, n, o, k, true, st);
}

}  // extern "C"
