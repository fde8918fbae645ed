// Where NaNs come out.
#pragma once

#include "tests/run_op.h"

namespace fermion::test {

// Plants a NaN in each input, in its gain, shift, mean and inv_std, and in the gradient of each output, one
// after the other. It must come out in the outputs just where the reference says so. In the gradients it must
// come out wherever a small change of that number arrives, and may where a large one does: a NaN is beyond
// every kink, so it can pass where a ReLU stops what is small. Throws with what is wrong. In cases of more
// than 30,000 numbers only the outputs are looked at. `result`: of the case without a NaN.
void check_nan(const Target& target, const OpCase& test, std::uint64_t seed, const Result& result);

}  // namespace fermion::test
