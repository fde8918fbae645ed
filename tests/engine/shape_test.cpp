#include "engine/shape.h"

#include <doctest/doctest.h>

#include "engine/error.h"
#include "engine/tensor.h"

using namespace fermion::engine;

TEST_CASE("a shape counts its elements; a scalar has one, an empty dimension leaves none") {
  CHECK(Shape{}.size() == 1);
  CHECK(Shape{2, 3, 5}.size() == 30);
  CHECK(Shape{4, 0, 7}.size() == 0);
  CHECK(Shape{8, 64, 3}.text() == "[8, 64, 3]");
  CHECK(Shape{8, 64, 3}[-1] == 3);
}

TEST_CASE("a shape refuses what it cannot count") {
  const std::int64_t large = std::int64_t{1} << 40;
  Device device({.threads = 1});
  CHECK_THROWS_WITH_AS(Tensor::empty(device, DType::f32, Shape{large, large}),
                       "a shape of [1099511627776, 1099511627776] has more elements than memory can hold",
                       Error);
  CHECK_THROWS_AS((Shape{large, large / (1 << 18)}), Error);  // elements fit, bytes do not
  CHECK_THROWS_AS((Shape{1, 1, 1, 1, 1, 1}), Error);
  CHECK_THROWS_AS((Shape{2, -1}), Error);
}
