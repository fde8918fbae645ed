// Makes a handler of a function of one lane: a plain loop over 32 lanes that the compiler turns into vector
// code.
#pragma once

#include <bit>
#include <type_traits>
#include <utility>

#include "block.h"
#include "numeric.h"

namespace ptxi {

// How a register of type T lies in the file of its warp: words of 32 or 64 bits; u16 in 32 bits; bool a bit a
// lane.
template <class T>
constexpr RegClass register_class = std::is_same_v<T, bool>  ? RC_PRED
                                    : std::is_same_v<T, u16> ? RC_16
                                    : sizeof(T) == 8         ? RC_64
                                                             : RC_32;
template <class T>
using Word = std::conditional_t<sizeof(T) == 8, u64, u32>;

template <class T>
struct Source {
  const Word<T>* words;
  Source(Warp& w, const Instruction&, Ref r) : words((const Word<T>*)w.r32(r)) {}
  T operator[](int l) const {
    if constexpr (std::is_same_v<T, u16>)
      return (u16)words[l];
    else
      return std::bit_cast<T>(words[l]);
  }
};
template <>
struct Source<bool> {
  u32 bits;
  Source(Warp& w, const Instruction& in, Ref r) : bits(*w.r32(r) ^ (in.src_neg ? ~0u : 0)) {}
  bool operator[](int l) const { return bits >> l & 1; }
};

// The bits of a result; PTX generates the canonical NaN.
template <class T>
Word<T> bits_of(T v) {
  if constexpr (std::is_same_v<T, float>)
    return canonical(v);
  else if constexpr (std::is_same_v<T, u16>)
    return v;
  else
    return std::bit_cast<Word<T>>(v);
}

// Inactive lanes keep their old value. The full warp is by far the most common case.
template <class T, class F>
inline void store_lanes(T* d, u32 m, F value) {
  if (m == ~0u) {
#pragma GCC ivdep
    for (int l = 0; l < 32; l++) d[l] = value(l);
  } else {
#pragma GCC ivdep
    for (int l = 0; l < 32; l++) {
      T v = value(l);
      d[l] = m >> l & 1 ? v : d[l];
    }
  }
}

template <class F, class R, class... A, size_t... i>
inline void run_lanes(Warp& w, const Instruction& in, u32 m, std::index_sequence<i...>) {
  auto loop = [&](auto... source) {
    store_lanes((Word<R>*)w.r32(in.d[0]), m, [=](int l) { return bits_of<R>(F{}(source[l]...)); });
  };
  loop(Source<A>(w, in, in.s[i])...);
}
template <class F, class R, class... A>
void lanes_handler(Warp& w, const Instruction& in, u32 m) {
  run_lanes<F, R, A...>(w, in, m, std::index_sequence_for<A...>());
}

// All operands must have exactly the classes that the function assumes.
template <class F, class R, class... A>
Handler handler_of(const Instruction& in, R (F::*)(A...) const) {
  if (in.nd != 1 || in.ns != sizeof...(A) || in.d[0].cls() != register_class<R>) return nullptr;
  const RegClass expected[] = {register_class<A>...};
  for (int i = 0; i < in.ns; i++)
    if (in.s[i].cls() != expected[i]) return nullptr;
  return lanes_handler<F, R, A...>;
}

// The handler that applies `f`, which has no state, to each lane; null if the operands are not of its types.
template <class F>
Handler lanes(const Instruction& in, F) {
  return handler_of<F>(in, &F::operator());
}

}  // namespace ptxi
