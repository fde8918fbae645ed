#include <cmath>
#include <doctest/doctest.h>
#include <limits>
#include <vector>

#include "tests/instruction_sets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/kernels/exp_test.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/exp-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fermion::kernels::HWY_NAMESPACE {

// count is a multiple of 16.
void Exp2(const float* y, float* out, std::int64_t count) {
  const hn::CappedTag<float, 16> d;
  for (std::int64_t i = 0; i < count; i += hn::Lanes(d)) hn::StoreU(exp2(d, hn::LoadU(d, y + i)), d, out + i);
}

}  // namespace fermion::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fermion::kernels {
namespace {

HWY_EXPORT(Exp2);

std::vector<float> exp2_of(std::vector<float> y) {
  y.resize((y.size() + 15) / 16 * 16);
  std::vector<float> out(y.size());
  HWY_DYNAMIC_DISPATCH(Exp2)(y.data(), out.data(), static_cast<std::int64_t>(y.size()));
  return out;
}

TEST_CASE("exp2 within its bound on every instruction set") {
  std::vector<float> y;
  for (float v = -126; v < 127.5f; v += 0.0013f) y.push_back(v);
  for (float v = 1e-30f; v < 0.5f; v *= 1.7f) y.insert(y.end(), {v, -v});
  test::on_every_instruction_set([&](const char* name) {
    const std::vector<float> out = exp2_of(y);
    int outside = 0;
    for (std::size_t i = 0; i < y.size(); ++i)
      outside += !(std::abs(out[i] / std::exp2(static_cast<double>(y[i])) - 1) < 1.3e-7);
    CAPTURE(name);
    CHECK(outside == 0);
  });
}

TEST_CASE("exp2 at the ends of its range and at NaN") {
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::nanf("0x1ff");
  test::on_every_instruction_set([&](const char* name) {
    CAPTURE(name);
    const std::vector<float> low = exp2_of({-infinity, -3e38f, -1e9f, -150.0f, -126.1f});
    for (std::size_t i = 0; i < 5; ++i) CHECK(low[i] == 0);
    const std::vector<float> high = exp2_of({infinity, 3e38f, 1e9f, 200.0f, 127.5f});
    for (std::size_t i = 0; i < 5; ++i) CHECK(high[i] == infinity);
    const std::vector<float> exact = exp2_of({0.0f, -0.0f, 1.0f, -126.0f, 127.0f, nan, -nan});
    CHECK(exact[0] == 1);
    CHECK(exact[1] == 1);
    CHECK(exact[2] == 2);
    CHECK(exact[3] == std::numeric_limits<float>::min());
    CHECK(exact[4] == std::ldexp(1.0f, 127));
    CHECK(std::isnan(exact[5]));
    CHECK(std::isnan(exact[6]));
  });
}

}  // namespace
}  // namespace fermion::kernels
#endif
