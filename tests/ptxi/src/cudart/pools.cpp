// Memory pools. A pool is only accounting: its memory comes from the arena.

#include "cudart/pools.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <utility>

namespace ptxi {

constexpr u64 kChunk = 32 << 20;  // what a pool reserves is a multiple of this

void Pool::grow(u64 n) {
  used += n;
  used_high = std::max(used_high, used);
  reserved = std::max(reserved, (used + kChunk - 1) / kChunk * kChunk);
  reserved_high = std::max(reserved_high, reserved);
}
void Pool::trim(u64 keep) {
  reserved = std::max((used + kChunk - 1) / kChunk * kChunk, std::min(reserved, keep));
}

static Pool g_default_pool;
static std::set<Pool*>& g_pools = *new std::set<Pool*>{&g_default_pool};
static Pool* g_current_pool = &g_default_pool;
static auto& g_pool_allocs = *new std::map<u64, std::pair<Pool*, u64>>;

Pool* pool_of(cudaMemPool_t p) {
  return g_pools.count((Pool*)p) ? (Pool*)p : nullptr;
}

Pool* current_pool() {
  return g_current_pool;
}

bool in_pool(u64 base) {
  return g_pool_allocs.count(base);
}
void pool_take(Pool* pool, u64 base, u64 n) {
  pool->grow(n);
  g_pool_allocs[base] = {pool, n};
}
void pool_return(u64 base) {
  auto i = g_pool_allocs.find(base);
  if (i == g_pool_allocs.end()) return;
  i->second.first->used -= i->second.second;
  g_pool_allocs.erase(i);
}

void pools_reset() {
  g_pool_allocs.clear();
  g_pools.erase(&g_default_pool);
  for (Pool* p : g_pools) delete p;
  g_pools = {&g_default_pool};
  g_default_pool = Pool();
  g_current_pool = &g_default_pool;
}

void pools_on_sync() {
  for (Pool* p : g_pools) p->trim(p->threshold);
}

}  // namespace ptxi

using namespace ptxi;

extern "C" {

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* p, int d) {
  API_AFTER_FAULT();
  if (!p) return set_error(cudaErrorInvalidValue);
  if (d) return set_error(cudaErrorInvalidDevice);
  *p = (cudaMemPool_t)&g_default_pool;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetMemPool(cudaMemPool_t* p, int d) {
  API_AFTER_FAULT();
  if (!p) return set_error(cudaErrorInvalidValue);
  if (d) return set_error(cudaErrorInvalidDevice);
  *p = (cudaMemPool_t)g_current_pool;
  return cudaSuccess;
}
cudaError_t cudaDeviceSetMemPool(int d, cudaMemPool_t p) {
  API_AFTER_FAULT();
  Pool* q = pool_of(p);
  if (d || !q) return set_error(cudaErrorInvalidValue);
  g_current_pool = q;
  return cudaSuccess;
}
cudaError_t cudaMemPoolCreate(cudaMemPool_t* p, const cudaMemPoolProps* props) {
  API_AFTER_FAULT();
  if (!p || !props || props->allocType != cudaMemAllocationTypePinned ||
      props->location.type == cudaMemLocationTypeHostNumaCurrent)
    return set_error(cudaErrorInvalidValue);
  if (cudaError_t e = check_location(props->location)) return set_error(e);
  if (props->location.type != cudaMemLocationTypeDevice) {
    fprintf(stderr, "[ptxi] memory pools of the host are not supported\n");
    return set_error(cudaErrorNotSupported);
  }
  Pool* q = new Pool;
  g_pools.insert(q);
  *p = (cudaMemPool_t)q;
  return cudaSuccess;
}
cudaError_t cudaMemPoolDestroy(cudaMemPool_t p) {
  API_AFTER_FAULT();
  Pool* q = pool_of(p);
  if (!q || q == &g_default_pool) return set_error(cudaErrorInvalidValue);
  if (g_current_pool == q) g_current_pool = &g_default_pool;
  g_pools.erase(q);  // its memory, if any is left, stays usable
  return cudaSuccess;
}
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t p, size_t keep) {
  API();
  Pool* q = pool_of(p);
  if (!q) return set_error(cudaErrorInvalidValue);
  q->trim((keep + kChunk - 1) / kChunk * kChunk);
  return cudaSuccess;
}
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t p, cudaMemPoolAttr a, void* v) {
  API();
  Pool* q = pool_of(p);
  if (!q || !v) return set_error(cudaErrorInvalidValue);
  switch (a) {
    case cudaMemPoolReuseFollowEventDependencies:
      q->reuse[0] = *(int*)v;
      break;
    case cudaMemPoolReuseAllowOpportunistic:
      q->reuse[1] = *(int*)v;
      break;
    case cudaMemPoolReuseAllowInternalDependencies:
      q->reuse[2] = *(int*)v;
      break;
    case cudaMemPoolAttrReleaseThreshold:
      q->threshold = *(u64*)v;
      break;
    case cudaMemPoolAttrReservedMemHigh:  // the high-water marks can only be reset
      if (*(u64*)v) return set_error(cudaErrorInvalidValue);
      q->reserved_high = q->reserved;
      break;
    case cudaMemPoolAttrUsedMemHigh:
      if (*(u64*)v) return set_error(cudaErrorInvalidValue);
      q->used_high = q->used;
      break;
    default:
      return set_error(cudaErrorInvalidValue);
  }
  return cudaSuccess;
}
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t p, cudaMemPoolAttr a, void* v) {
  API();
  Pool* q = pool_of(p);
  if (!q || !v) return set_error(cudaErrorInvalidValue);
  switch (a) {
    case cudaMemPoolReuseFollowEventDependencies:
      *(int*)v = q->reuse[0];
      break;
    case cudaMemPoolReuseAllowOpportunistic:
      *(int*)v = q->reuse[1];
      break;
    case cudaMemPoolReuseAllowInternalDependencies:
      *(int*)v = q->reuse[2];
      break;
    case cudaMemPoolAttrReleaseThreshold:
      *(u64*)v = q->threshold;
      break;
    case cudaMemPoolAttrReservedMemCurrent:
      *(u64*)v = q->reserved;
      break;
    case cudaMemPoolAttrReservedMemHigh:
      *(u64*)v = q->reserved_high;
      break;
    case cudaMemPoolAttrUsedMemCurrent:
      *(u64*)v = q->used;
      break;
    case cudaMemPoolAttrUsedMemHigh:
      *(u64*)v = q->used_high;
      break;
    default:
      return set_error(cudaErrorInvalidValue);
  }
  return cudaSuccess;
}

}  // extern "C"
