#include "layers/parameters.h"

#include <doctest/doctest.h>

#include "engine/error.h"
#include "layers/linear.h"

using namespace fermion;
using namespace fermion::layers;

TEST_CASE("two parameters of one name are refused, and the first stays") {
  engine::Device device{{.threads = 1}};
  Parameters parameters(device, 1);
  parameters.add("head.bias", {3}, Init::zero, 1, false);
  parameters.add("head.weight", {3, 2}, Init::uniform, 2, true);
  CHECK_THROWS_WITH_AS(parameters.add("head.bias", {3}, Init::zero, 1, false),
                       "two parameters are called 'head.bias'", engine::Error);
  CHECK_THROWS_AS(Linear(parameters, "head", 4, 5), engine::Error);
  CHECK(parameters.parameters().size() == 2);
  CHECK(parameters.count() == 3 + 6);
}
