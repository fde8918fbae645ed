// The pool of tensors and the arena of scratch.
#include "engine/memory.h"

#include <cmath>
#include <cstring>
#include <doctest/doctest.h>

#include "engine/error.h"

using namespace fermion::engine;

namespace {

HostMemory host;

}  // namespace

TEST_CASE("a released block is handed out again to whoever needs its size class") {
  Pool pool(host, {});
  void* first = pool.allocate(1000);
  pool.release(first, 1000);
  CHECK(pool.allocate(1010) == first);
  CHECK(pool.statistics().system_allocations == 1);
  void* second = pool.allocate(1010);
  CHECK(second != first);
  CHECK(pool.statistics().system_allocations == 2);
  pool.release(first, 1010);
  pool.release(second, 1010);
}

TEST_CASE("what is in use and its peak are counted") {
  Pool pool(host, {});
  void* a = pool.allocate(4096);
  void* b = pool.allocate(8192);
  CHECK(pool.statistics().in_use == 12288);
  pool.release(b, 8192);
  CHECK(pool.statistics().in_use == 4096);
  CHECK(pool.statistics().peak == 12288);
  pool.reset_peak();
  CHECK(pool.statistics().peak == 4096);
  CHECK(pool.statistics().reserved >= 12288);
  pool.release(a, 4096);
}

TEST_CASE("blocks are aligned, also empty ones") {
  Pool pool(host, {});
  for (const std::size_t bytes : {0, 1, 63, 65, 1000, 4097}) {
    void* data = pool.allocate(bytes);
    CHECK(reinterpret_cast<std::uintptr_t>(data) % 64 == 0);
    pool.release(data, bytes);
  }
}

TEST_CASE("no more is handed out than the machine has") {
  const std::size_t ram = machine_memory();
  Pool pool(host, {.guard = false});
  CHECK_THROWS_WITH_AS(pool.allocate(ram + 1), doctest::Contains("bytes asked, 0 in use on the CPU"), Error);
  void* most = pool.allocate(ram / 4 * 3);  // only promised, as nothing is written there
  CHECK_THROWS_AS(pool.allocate(ram / 2), Error);
  pool.release(most, ram / 4 * 3);
  CHECK_THROWS_AS(pool.allocate(ram / 2), Error);  // the pool keeps its blocks
}

TEST_CASE("poison: what is handed out holds NaNs, again and again") {
  Pool pool(host, {.poison = true});
  Arena arena(pool);
  for (int round = 0; round < 3; ++round) {
    auto* block = static_cast<float*>(pool.allocate(64 * sizeof(float)));
    float* scratch = arena.take<float>(64);
    for (int i = 0; i < 64; ++i) CHECK((std::isnan(block[i]) && std::isnan(scratch[i])));
    std::fill_n(block, 64, 1.0f);
    std::fill_n(scratch, 64, 1.0f);
    pool.release(block, 64 * sizeof(float));
    arena.reset();
  }
}

TEST_CASE("an arena keeps what it took: the second call of a kernel asks the system for nothing") {
  Pool pool(host, {});
  Arena arena(pool);
  const auto call = [&] {
    arena.reset();
    float* a = arena.take<float>(100);
    float* b = arena.take<float>(1000);
    float* c = arena.take<float>(10000);
    CHECK(((a + 100 <= b || b + 1000 <= a) && (b + 1000 <= c || c + 10000 <= b)));
  };
  call();
  call();
  const std::int64_t asked = pool.statistics().system_allocations;
  call();
  CHECK(pool.statistics().system_allocations == asked);
}
