#include <cmath>
#include <doctest/doctest.h>

#include "engine/error.h"
#include "engine/ops.h"
#include "tests/harness.h"

using namespace fermion;
using namespace fermion::test;

namespace {

// Windows written out from the definition, with divisions in floating point.
struct Axis {
  std::int64_t window;
  std::vector<std::int64_t> starts;

  Axis(std::int64_t size, int grid, int overlap) {
    const double cell = static_cast<double>(size) / grid;
    window = std::min(size, static_cast<std::int64_t>(std::floor(cell)) + 2 * overlap);
    for (int i = 0; i < grid; ++i) {
      auto start = static_cast<std::int64_t>(std::floor(i * cell + 1e-9)) - overlap;
      if (start + window > size) start = size - window;
      starts.push_back(start < 0 ? 0 : start);
    }
  }
};

OpCase split(const std::string& name, Shape x, int grid, int overlap, bool norm, bool relu = true) {
  const Axis rows(x[1], grid, overlap), columns(x[2], grid, overlap);
  const Shape shape{grid * grid, x[0], rows.window, columns.window, x[3]};
  const auto reference = [=](const std::vector<Array>& in) {
    Array y(shape);
    for (std::int64_t k = 0; k < shape[0]; ++k)
      for (std::int64_t n = 0; n < shape[1]; ++n)
        for (std::int64_t i = 0; i < shape[2]; ++i)
          for (std::int64_t j = 0; j < shape[3]; ++j)
            for (std::int64_t c = 0; c < shape[4]; ++c)
              y(k, n, i, j, c) = in[0](n, rows.starts[static_cast<std::size_t>(k / grid)] + i,
                                       columns.starts[static_cast<std::size_t>(k % grid)] + j, c);
    return std::vector<Array>{y};
  };
  return {.name = name,
          .inputs = {feature("x", x, norm, relu)},
          .op =
              [=](Tape& tape, const std::vector<Feature>& in) {
                return std::vector<Tensor>{engine::region_split(tape, in[0], grid, overlap)};
              },
          .reference = reference,
          .terms = 4,
          .gradient_terms = static_cast<double>(shape.size() / x[3]),
          .roundings = 2,  // the sums are of rounded da, and cancel
          .flops = 4.0 * static_cast<double>(shape.size()),
          .traffic = {static_cast<double>(x.size() + shape.size())},
          .backward_flops = 6.0 * static_cast<double>(x.size()),
          .backward_traffic = {static_cast<double>(2 * x.size() + shape.size())}};
}

}  // namespace

FERMION_CASES(region_split) {
  return {.tests = {split("one pixel", {1, 1, 1, 1}, 1, 0, true),
                    split("plain, no overlap", {2, 6, 4, 8}, 2, 0, false),
                    split("overlap", {2, 8, 12, 33}, 4, 1, true),
                    split("grid that does not divide", {2, 11, 7, 5}, 3, 1, true),
                    split("rows in no window", {1, 7, 9, 18}, 4, 0, true),
                    split("windows as large as the image", {1, 5, 4, 11}, 3, 4, true),
                    split("more cells than pixels", {2, 3, 2, 4}, 4, 1, false),
                    split("norm without ReLU", {1, 6, 6, 16}, 3, 2, true, false),
                    split("no images", {0, 8, 8, 4}, 2, 1, true),
                    split("several chunks", {3, 31, 11, 33}, 2, 1, true)},
          .benchmarks = {split("lnl-tiny", {batch.tiny, 64, 64, 16}, 4, 0, true),
                         split("lnl-base", {batch.base, 112, 112, 32}, 4, 0, true),
                         split("lnl-base, overlap", {batch.base, 112, 112, 32}, 4, 4, true)}};
}

TEST_CASE("region_split refuses what has no windows") {
  engine::Device device;
  Tape tape(device, engine::Mode::train);
  const Tensor x = Tensor::zeros(device, engine::DType::f32, {3, 8, 2, 4});
  CHECK_THROWS_WITH_AS(engine::region_split(tape, x, 4, 0),
                       "/region_split: a grid of 4 has empty regions on 8 x 2 pixels; use a smaller grid",
                       engine::Error);
  CHECK_THROWS_WITH_AS(engine::region_split(tape, x, 2, -1),
                       "/region_split: grid 2 and overlap -1; the grid starts at 1, the overlap at 0",
                       engine::Error);
  CHECK_THROWS_WITH_AS(engine::region_split(tape, x.reshape({1, 3, 8, 2, 4}), 2, 0),
                       "/region_split reads [N, H, W, C], not [1, 3, 8, 2, 4]", engine::Error);
}
