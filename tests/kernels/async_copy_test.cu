// Copies that go on while the thread does other things: what they bring, what they leave as it is, and that
// the wait is for all of them.
#include "kernels/async_copy.cuh"
#include "kernels/mma.cuh"
#include "tests/kernels/cuda_rig.cuh"

using namespace fermion::kernels;
using namespace fermion::test;

namespace {

constexpr int threads = 64, each = 3, vectors = threads * each;
constexpr unsigned untouched = 0xA5A5A5A5;

// Thread t copies the vectors t, t + threads, .. of Words words from the other end of `from`, where `there`
// says so, each to the upper part of 16 bytes. `own`: what the thread itself reads after its wait.
template <int Words>
__global__ void copy(const unsigned* from, const bool* there, unsigned* own, unsigned* neighbours) {
  __shared__ alignas(16) unsigned to[4 * vectors];
  const int t = threadIdx.x;
  for (int i = 0; i < each * 4; ++i) to[t * each * 4 + i] = untouched;
  __syncthreads();
  for (int v = t; v < vectors; v += threads) {
    // Behind the last number nothing may be read.
    const unsigned* vector = from + (there[v] ? vectors - 1 - v : vectors) * Words;
    (Words == 4 ? copy_async : copy_async_8)(shared_address(&to[4 * v + 4 - Words]), vector, there[v]);
  }
  wait_for_copies();
  for (int v = t; v < vectors; v += threads)
    for (int i = 0; i < 4; ++i) own[4 * v + i] = to[4 * v + i];
  __syncthreads();
  for (int i = 0; i < each * 4; ++i) neighbours[t * each * 4 + i] = to[t * each * 4 + i];
}

template <int Words>
void check_copies() {
  Numbers<unsigned> from(vectors * Words, [](int i) { return static_cast<unsigned>(i) << 16 | 1; });
  Numbers<bool> there(vectors, [](int v) { return v % 5 != 2; });
  Numbers<unsigned> own(vectors * 4), neighbours(vectors * 4);
  CudaRig().run(copy<Words>, {1}, threads, 0, from, there, own, neighbours);
  for (int v = 0; v < vectors; ++v)
    for (int i = 0; i < 4; ++i) {
      const int word = i - (4 - Words);
      const unsigned expected = word < 0 ? untouched : there[v] ? from[(vectors - 1 - v) * Words + word] : 0;
      INFO("v ", v, " i ", i);
      CHECK(own[4 * v + i] == expected);
      CHECK(neighbours[4 * v + i] == expected);
    }
}

}  // namespace

TEST_CASE("copy_async: 16 bytes, or zeros and nothing is read") {
  check_copies<4>();
}

TEST_CASE("copy_async_8: 8 bytes, or zeros and nothing is read; the other 8 stay") {
  check_copies<2>();
}
