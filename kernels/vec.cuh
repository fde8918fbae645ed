// N numbers that lie side by side, loaded and stored as one: 16 bytes wherever the address allows it.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/bf16.h"
#include "kernels/context.h"

namespace fermion::kernels {

// Computed with in f32, whatever they are stored as.
template <int N>
struct Floats {
  float at[N];

  __device__ float& operator[](int i) { return at[i]; }
  __device__ float operator[](int i) const { return at[i]; }
};

template <class T, int N>
struct alignas(sizeof(T) * N) Vec {
  T at[N];
};

// `from` is aligned to N numbers.
template <int N, class T>
__device__ const Vec<T, N>& stored(const T* from) {
  return *reinterpret_cast<const Vec<T, N>*>(from);
}

template <class T, int N>
__device__ Floats<N> floats(const Vec<T, N>& stored) {
  Floats<N> values;
#pragma unroll
  for (int i = 0; i < N; ++i) values[i] = to_float(stored.at[i]);
  return values;
}

template <int N, class T>
__device__ Floats<N> load(const T* from) {
  const Vec<T, N> all = stored<N>(from);
  return floats(all);
}

// Two numbers as two bf16 in a word, the first in its lower half. One instruction.
__device__ inline unsigned pack(float low, float high) {
  const __nv_bfloat162 both = __floats2bfloat162_rn(low, high);
  return reinterpret_cast<const unsigned&>(both);
}

template <int N, class T>
__device__ void store(T* to, const Floats<N>& values) {
  Vec<T, N> stored;
  if constexpr (std::is_same_v<T, bf16> && N % 2 == 0) {
    auto* words = reinterpret_cast<unsigned*>(&stored);
#pragma unroll
    for (int i = 0; i < N / 2; ++i) words[i] = pack(values[2 * i], values[2 * i + 1]);
  } else {
#pragma unroll
    for (int i = 0; i < N; ++i) stored.at[i] = from_float<T>(values[i]);
  }
  *reinterpret_cast<Vec<T, N>*>(to) = stored;
}

// Replaces what is there or adds to it.
template <int N, class T>
__device__ void put(T* to, Floats<N> values, Write write) {
  if (write == Write::accumulate) {
    const Floats<N> before = load<N>(to);
#pragma unroll
    for (int i = 0; i < N; ++i) values[i] += before[i];
  }
  store(to, values);
}

// relu of both. NaN travels.
__device__ inline unsigned relu_pair(unsigned two) {
  const __nv_bfloat162 both = __hmax2_nan(reinterpret_cast<const __nv_bfloat162&>(two), __nv_bfloat162{});
  return reinterpret_cast<const unsigned&>(both);
}

// Eight bf16, aligned to 16 bytes, in four such words.
__device__ inline void load_words(unsigned (&words)[4], const bf16* from) {
  const uint4 all = *reinterpret_cast<const uint4*>(from);
  words[0] = all.x, words[1] = all.y, words[2] = all.z, words[3] = all.w;
}
__device__ inline Floats<8> unpack(const unsigned (&words)[4]) {
  Floats<8> values;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    values[2 * i] = __uint_as_float(words[i] << 16);
    values[2 * i + 1] = __uint_as_float(words[i] & 0xFFFF0000);
  }
  return values;
}

// Eight bf16 in four words: they replace what is there or are added to it.
__device__ inline void put_words(bf16* to, const unsigned (&words)[4], Write write) {
  if (write == Write::accumulate)
    put(to, unpack(words), write);
  else
    *reinterpret_cast<uint4*>(to) = {words[0], words[1], words[2], words[3]};
}

// The widest vector of T that rows of C numbers allow.
template <class T>
constexpr int widest = 16 / sizeof(T);

// Calls body(std::integral_constant<int, N>{}) with N = widest<T> where it divides C, else with 1.
template <class T, class Body>
void with_vectors(std::int64_t C, Body&& body) {
  if (C % widest<T> == 0)
    body(std::integral_constant<int, widest<T>>{});
  else
    body(std::integral_constant<int, 1>{});
}

}  // namespace fermion::kernels
