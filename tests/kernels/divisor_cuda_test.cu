// Division by one multiplication, as the device does it, at the edges of what it takes.
#include <climits>
#include <vector>

#include "kernels/divisor.h"
#include "tests/kernels/cuda_rig.cuh"

using namespace fermion::kernels;
using namespace fermion::test;

namespace {

// Thread i divides numbers[i] by the block's divisor, and three times that as 64 bits.
__global__ void divide(const Divisor* divisors, const int* numbers, int* quotient, int* remainder,
                       std::int64_t* large_quotient) {
  const Divisor by = divisors[blockIdx.x];
  const int n = numbers[threadIdx.x];
  const unsigned at = blockIdx.x * blockDim.x + threadIdx.x;
  quotient[at] = by.quotient(n);
  remainder[at] = by.remainder(n);
  large_quotient[at] = by.quotient(std::int64_t{3} * n);
}

}  // namespace

TEST_CASE("the device's quotients and remainders are those of the language") {
  std::vector<int> by, n{0, 12345678, INT_MAX};
  for (int power = 0; power <= 30; ++power)
    for (const int near : {-1, 0, 1}) {
      const int value = (1 << power) + near;
      if (value >= 1 && value <= 1 << 30) by.push_back(value);
      n.push_back(value);
    }
  for (const int odd : {7, 14, 49, 56, 113, 224, 641, 12544, 999'983, 715'827'883}) by.push_back(odd);
  for (const int divisor : by) {
    const int last = INT_MAX / divisor * divisor;
    for (const int near : {last - 1, last}) n.push_back(near);
  }
  const std::size_t count = by.size() * n.size();
  Numbers<Divisor> divisors(by.size(), [&](int i) { return Divisor(by[i]); });
  Numbers<int> numbers(n.size(), [&](int i) { return n[i]; }), quotient(count), remainder(count);
  Numbers<std::int64_t> large(count);
  CudaRig().run(divide, {static_cast<std::int64_t>(by.size())}, static_cast<unsigned>(n.size()), 0, divisors,
                numbers, quotient, remainder, large);
  for (std::size_t i = 0; i < count; ++i) {
    const int a = n[i % n.size()], b = by[i / n.size()];
    INFO(a, " / ", b);
    CHECK(quotient[i] == a / b);
    CHECK(remainder[i] == a % b);
    CHECK(large[i] == std::int64_t{3} * a / b);
  }
}
