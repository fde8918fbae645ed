#include <algorithm>
#include <doctest/doctest.h>

#include "engine/ops.h"
#include "tests/harness.h"

using namespace fermion;
using namespace fermion::test;

namespace {

OpCase make(const std::string& name, Shape shape, int G, int overlap, bool norm) {
  const std::int64_t N = shape[0], H = shape[1], W = shape[2], C = shape[3];
  const std::int64_t h = std::min(H, H / G + 2 * overlap), w = std::min(W, W / G + 2 * overlap);
  return {.name = name,
          .inputs = {feature("x", shape, norm)},
          .op =
              [=](Tape& tape, const std::vector<Feature>& in) {
                return std::vector<Tensor>{region_split(tape, in[0], G, overlap)};
              },
          .reference =
              [=](const std::vector<Array>& in) {
                Array y({std::int64_t{G} * G, N, h, w, C});
                for (int r = 0; r < G; ++r)
                  for (int s = 0; s < G; ++s) {
                    const std::int64_t top = std::min(std::max<std::int64_t>(r * H / G - overlap, 0), H - h);
                    const std::int64_t left = std::min(std::max<std::int64_t>(s * W / G - overlap, 0), W - w);
                    for (int n = 0; n < N; ++n)
                      for (int i = 0; i < h; ++i)
                        for (int j = 0; j < w; ++j)
                          for (int c = 0; c < C; ++c)
                            y(r * G + s, n, i, j, c) = in[0](n, top + i, left + j, c);
                  }
                return std::vector<Array>{y};
              },
          .terms = 4,
          .gradient_terms = 9.0 * static_cast<double>(N * H * W),
          .bytes = 4.0 * static_cast<double>(shape.size() + G * G * N * h * w * C)};
}

}  // namespace

FERMION_CASES(region_split) {
  return {.tests = {make("no overlap", {2, 8, 8, 33}, 4, 0, true),
                    make("overlap", {2, 8, 12, 16}, 4, 2, true), make("plain", {1, 6, 6, 3}, 2, 1, false),
                    make("windows as large as the image", {2, 5, 4, 2}, 2, 3, true),
                    make("grid does not divide", {1, 7, 9, 17}, 2, 1, true),
                    make("one pixel", {1, 1, 1, 1}, 1, 0, true), make("empty", {0, 8, 8, 16}, 4, 1, true)},
          .benchmarks = {make("lnl-tiny", {64, 64, 64, 16}, 4, 0, true),
                         make("lnl-base", {16, 112, 112, 32}, 4, 0, true)}};
}
