#include "engine/memory.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <unistd.h>

#include "engine/error.h"

namespace fermion::engine {
namespace {

constexpr std::size_t alignment = 64;
constexpr unsigned char guard_byte = 0xA5;

std::size_t round_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

// Bytes of the size class of a request, without its guard.
std::size_t size_class(std::size_t bytes) {
  const std::size_t step = std::bit_floor(std::max(bytes, std::size_t{8 * alignment})) / 8;
  return round_up(std::max(bytes, std::size_t{1}), step);
}

// Where nothing is kept, blocks end where they were asked to, so that a checker of memory sees every step
// beyond.
std::size_t block_bytes(std::size_t bytes, const PoolOptions& options) {
  return options.keep ? size_class(bytes) : std::max(bytes, std::size_t{1});
}

void check_guard(const unsigned char* data, std::size_t bytes) noexcept {
  for (std::size_t i = 0; i < alignment; ++i) {
    if (data[bytes + i] == guard_byte) continue;
    std::fprintf(stderr, "fermion: something wrote %zu bytes past the end of a block of %zu bytes\n", i + 1,
                 bytes);
    std::abort();
  }
}

}  // namespace

std::size_t machine_memory() {
  const auto ram =
      static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  std::size_t allowed = 0;
  if (std::ifstream("/sys/fs/cgroup/memory.max") >> allowed) return std::min(ram, allowed);
  return ram;  // no such file, or "max"
}

void* HostMemory::allocate(std::size_t bytes) {
  static const std::size_t ram = machine_memory();
  if (bytes > ram - std::min(statistics.reserved, ram)) return nullptr;
  return std::aligned_alloc(alignment, round_up(bytes, alignment));
}

void HostMemory::release(void* data) noexcept {
  std::free(data);
}

void HostMemory::read(void* host, const void* data, std::size_t bytes) {
  if (bytes > 0) std::memcpy(host, data, bytes);
}

void HostMemory::write(void* data, const void* host, std::size_t bytes) {
  if (bytes > 0) std::memcpy(data, host, bytes);
}

void HostMemory::zero(void* data, std::size_t bytes) {
  std::memset(data, 0, bytes);
}

void Pool::count_use(std::size_t bytes, bool taken) {
  for (MemoryStatistics* s : {&statistics_, &memory_.statistics}) {
    s->in_use = taken ? s->in_use + bytes : s->in_use - bytes;
    s->peak = std::max(s->peak, s->in_use);
  }
}

void Pool::count_reserved(std::size_t bytes, bool taken) {
  for (MemoryStatistics* s : {&statistics_, &memory_.statistics}) {
    s->reserved = taken ? s->reserved + bytes : s->reserved - bytes;
    s->system_allocations += taken;
  }
}

Pool::~Pool() {
  for (auto& [bytes, blocks] : free_)
    for (void* block : blocks) {
      memory_.release(block);
      count_reserved(bytes + (options_.guard ? alignment : 0), false);
    }
}

void* Pool::allocate(std::size_t bytes) {
  const std::size_t rounded = block_bytes(bytes, options_), guard = options_.guard ? alignment : 0;
  std::vector<void*>& blocks = free_[rounded];
  void* data = nullptr;
  if (!blocks.empty()) {
    data = blocks.back();
    blocks.pop_back();
  } else {
    data = memory_.allocate(rounded + guard);
    if (!data)
      throw Error("out of memory: {} bytes asked, {} in use on {}; a smaller batch or input needs less",
                  bytes, memory_.statistics.in_use, memory_.name());
    count_reserved(rounded + guard, true);
  }
  if (options_.poison) std::memset(data, 0xFF, rounded);
  if (options_.guard) std::memset(static_cast<unsigned char*>(data) + bytes, guard_byte, guard);
  count_use(rounded, true);
  return data;
}

void Pool::release(void* data, std::size_t bytes) noexcept {
  if (options_.guard) check_guard(static_cast<unsigned char*>(data), bytes);
  const std::size_t rounded = block_bytes(bytes, options_);
  count_use(rounded, false);
  if (options_.keep) {
    free_[rounded].push_back(data);
  } else {
    count_reserved(rounded + (options_.guard ? alignment : 0), false);
    memory_.release(data);
  }
}

Arena::~Arena() {
  release_blocks();
}

void Arena::release_blocks() {
  for (const Block& block : blocks_) pool_.release(block.data, block.bytes);
  blocks_.clear();
}

void* Arena::take_bytes(std::size_t bytes) {
  bytes = round_up(bytes, alignment);
  if (blocks_.empty() || used_ + bytes > blocks_.back().bytes) {
    blocks_.push_back({pool_.allocate(bytes), bytes});
    used_ = 0;
  }
  void* data = static_cast<char*>(blocks_.back().data) + used_;
  used_ += bytes;
  if (pool_.options().poison) std::memset(data, 0xFF, bytes);
  return data;
}

void Arena::reset() {
  if (!pool_.options().keep) release_blocks();
  if (blocks_.size() > 1) {
    std::size_t total = 0;
    for (const Block& block : blocks_) total += block.bytes;
    release_blocks();
    blocks_.push_back({pool_.allocate(total), total});
  }
  used_ = 0;
}

}  // namespace fermion::engine
