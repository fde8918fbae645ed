// Vectors: numbers keep their order, and others stay as they are.
#include <cmath>
#include <limits>

#include "kernels/vec.cuh"
#include "tests/kernels/cuda_rig.cuh"

using namespace fermion::kernels;
using namespace fermion::test;

namespace {

constexpr int vectors = 16;

// Vector v of N numbers to the place of the last but v; the first and the last place stay.
template <class T, int N>
__global__ void put_reversed(const T* from, T* to, Write write) {
  const int v = threadIdx.x;
  if (v > 0 && v < vectors - 1) put(to + N * (vectors - 1 - v), load<N>(from + N * v), write);
}

template <class T, int N>
void check_put() {
  const auto before = [](int i) { return static_cast<float>(N * vectors - i); };
  for (const Write write : {Write::overwrite, Write::accumulate}) {
    Numbers<T> from(N * vectors, [](int i) { return from_float<T>(static_cast<float>(i + 1)); }),
        to(N * vectors, [&](int i) { return from_float<T>(before(i)); });
    CudaRig().run(put_reversed<T, N>, {1}, vectors, 0, from, to, write);
    for (int v = 0; v < vectors; ++v)
      for (int i = 0; i < N; ++i) {
        const float put = to_float(from[N * (vectors - 1 - v) + i]);
        INFO("vector ", v, " of ", N, ", number ", i);
        CHECK(to_float(to[N * v + i]) == (v == 0 || v == vectors - 1  ? before(N * v + i)
                                          : write == Write::overwrite ? put
                                                                      : before(N * v + i) + put));
      }
  }
}

__global__ void pack_and_unpack(const float* numbers, unsigned* packed, unsigned* relu, float* unpacked) {
  const int i = threadIdx.x;
  packed[i] = pack(numbers[2 * i], numbers[2 * i + 1]);
  relu[i] = relu_pair(packed[i]);
  __syncthreads();
  if (i % 4 != 0) return;
  unsigned words[4];
  load_words(words, reinterpret_cast<const bf16*>(packed + i));
  store(unpacked + 2 * i, unpack(words));
}

}  // namespace

TEST_CASE("put replaces or adds vectors of all widths, and nothing else") {
  check_put<float, 1>();
  check_put<float, 2>();
  check_put<float, 4>();
  check_put<bf16, 1>();
  check_put<bf16, 2>();
  check_put<bf16, 4>();
  check_put<bf16, 8>();
}

TEST_CASE("two numbers are a word, the first its lower half; eight are four words") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  // Halfway between two bf16 the even one is next: 1, and 1 + 2^-6.
  const float values[] = {1,   -2,       3,         -4,   1 + 0x1p-8f, 1 + 3 * 0x1p-8f, -0.0f,    NAN,
                          NAN, infinity, -infinity, 0.5f, -NAN,        -1e-30f,         infinity, -8};
  Numbers<float> numbers(16, [&](int i) { return values[i]; }), unpacked(16);
  Numbers<unsigned> packed(8), relu(8);
  CudaRig().run(pack_and_unpack, {1}, 8, 0, numbers, packed, relu, unpacked);
  for (int i = 0; i < 16; ++i) {
    INFO("number ", i, ": ", values[i]);
    const auto half = [&](unsigned word) {
      return to_float(bf16{static_cast<std::uint16_t>(i % 2 ? word >> 16 : word)});
    };
    if (std::isnan(values[i])) {
      CHECK(std::isnan(half(packed[i / 2])));
      CHECK(std::isnan(half(relu[i / 2])));
      CHECK(std::isnan(unpacked[i]));
      continue;
    }
    const float rounded = to_float(from_float<bf16>(values[i]));
    CHECK(half(packed[i / 2]) == rounded);
    CHECK(half(relu[i / 2]) == (rounded < 0 ? 0 : rounded));
    CHECK(unpacked[i] == rounded);
  }
}
