// bfloat16: the upper half of a float. Arithmetic is done in f32; this is how numbers are stored.
#pragma once

#include <bit>
#include <cstdint>
#ifdef __CUDACC__
#include <cuda_bf16.h>
#endif

#include "kernels/host_device.h"

namespace fermion::kernels {

struct bf16 {
  std::uint16_t bits;
};

FERMION_HOST_DEVICE inline float to_float(float value) {
  return value;
}
FERMION_HOST_DEVICE inline float to_float(bf16 value) {
  const std::uint32_t bits = static_cast<std::uint32_t>(value.bits) << 16;
#ifdef __CUDA_ARCH__
  return __uint_as_float(bits);
#else
  return std::bit_cast<float>(bits);
#endif
}

// Rounds to nearest, ties to even; a NaN stays one.
template <class T>
FERMION_HOST_DEVICE T from_float(float value);
template <>
FERMION_HOST_DEVICE inline float from_float<float>(float value) {
  return value;
}
template <>
FERMION_HOST_DEVICE inline bf16 from_float<bf16>(float value) {
#ifdef __CUDA_ARCH__
  return {__bfloat16_as_ushort(__float2bfloat16_rn(value))};
#else
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7FFFFFFF) > 0x7F800000) return {0x7FFF};
  return {static_cast<std::uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16)};
#endif
}

}  // namespace fermion::kernels
