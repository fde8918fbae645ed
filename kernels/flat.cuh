// Numbers that lie side by side in no rows: any count, at any address.
#pragma once

#include <cstdint>

#include "kernels/vec.cuh"

namespace fermion::kernels {

// Whether N numbers of T from each of these addresses can be loaded as one; null is no obstacle.
template <int N, class T, class... Ts>
FERMION_HOST_DEVICE bool aligned(const T* first, const Ts*... others) {
  return ((reinterpret_cast<std::uintptr_t>(first) | ... | reinterpret_cast<std::uintptr_t>(others)) %
          (N * sizeof(T))) == 0;
}

// The threads of a block walk begin .. end together: body.operator()<N>(i) for the N numbers from i, and
// where `whole` does not hold or fewer are left, body.operator()<1>(i) for each. begin is a multiple of N.
template <int N, class Body>
__device__ void for_vectors(std::int64_t begin, std::int64_t end, bool whole, const Body& body) {
  for (std::int64_t i = begin + N * threadIdx.x; i < end; i += N * blockDim.x) {
    if (whole && i + N <= end)
      body.template operator()<N>(i);
    else
      for (std::int64_t j = i; j < end && j < i + N; ++j) body.template operator()<1>(j);
  }
}

}  // namespace fermion::kernels
