// The exponential function as the hardware has it: one instruction.
#pragma once

namespace fermion::kernels {

// 2^x within 2 ulp, 0 where that is below 2^-126. (PTX ISA, "ex2.approx.ftz".)
__device__ inline float exp2_flushed(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

}  // namespace fermion::kernels
