#include "kernels/row_chunks.h"

#include <doctest/doctest.h>

using namespace fermion::kernels;

TEST_CASE("chunks hold every row once, at most 32,768 numbers and 4,096 pixels, or one row") {
  for (const std::int64_t rows : {0, 1, 7, 1000})
    for (const std::int64_t pixels : {0, 1, 33, 4096, 5000})
      for (const std::int64_t C : {1, 3, 8, 512}) {
        INFO(rows, " rows of ", pixels, " pixels of ", C, " channels");
        const RowChunks chunks(rows, pixels, C);
        std::int64_t next = 0;
        for (std::int64_t chunk = 0; chunk < chunks.count(); ++chunk) {
          CHECK(chunks.begin(chunk) == next);
          next = chunks.end(chunk);
          const std::int64_t held = next - chunks.begin(chunk);
          CHECK(held > 0);
          if (held > 1) CHECK((held * pixels <= 4096 && held * pixels * C <= 32768));
        }
        CHECK(next == rows);
      }
}
