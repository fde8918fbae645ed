// Where kernels/gemm.cuh keeps a tile's numbers: each row of depth is a permutation of its columns, without
// bank conflicts.
#include <set>

#include "kernels/gemm.cuh"
#include "tests/kernels/banks.h"
#include "tests/kernels/cuda_rig.cuh"

using namespace fermion::kernels;
using namespace fermion::test;

namespace {

constexpr int most = 128;

__global__ void columns_of(int* columns) {
  for (unsigned d = 0; d < gemm_depth; ++d) columns[d * most + threadIdx.x] = tile_column(threadIdx.x, d);
}

struct Columns {
  Columns() { CudaRig().run(columns_of, {1}, most, 0, columns); }
  int operator()(int outer, int d) { return columns[d * most + outer]; }

  Numbers<int> columns{gemm_depth * most};
};

}  // namespace

TEST_CASE("tiles of 32, 64 and 128: each number has a column of its own, fours stay together") {
  Columns column;
  for (int d = 0; d < gemm_depth; ++d)
    for (const int width : {32, 64, 128}) {
      std::set<int> taken;
      for (int outer = 0; outer < width; ++outer) {
        INFO("number ", outer, " of ", width, ", depth ", d);
        CHECK(column(outer, d) < width);
        CHECK(taken.insert(column(outer, d)).second);
        CHECK(column(outer, d) == column(outer / 4 * 4, d) + outer % 4);
      }
    }
}

TEST_CASE("a quarter of a warp loads fours from all banks, and fills them by fours or eights") {
  Columns column;
  for (int d = 0; d < gemm_depth; ++d) {
    INFO("depth ", d);
    check_quarters(most / 4, [&](int i) { return 4 * column(4 * i, d); });
    for (const int half : {0, 4})
      check_quarters(most / 8, [&](int i) { return 4 * column(8 * i + half, d); });
  }
}

TEST_CASE("a warp that fills along the depth, by fours or eights, meets all banks") {
  Columns column;
  for (const int vector : {4, 8})
    for (int j = 0; j < vector; ++j)
      for (int first = 0; first < most * gemm_depth / vector; first += 32) {
        std::set<int> banks;
        for (int i = first; i < first + 32; ++i) {
          const int side = gemm_depth / vector;
          banks.insert(column(i / side, i % side * vector + j) % 32);
        }
        INFO("vectors of ", vector, " from ", first, ", number ", j);
        CHECK(banks.size() == 32);
      }
}
