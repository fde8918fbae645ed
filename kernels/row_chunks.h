// Rows of an image, or other equal units of work, in chunks of some ten thousand numbers: a chunk is one task
// of a parallel loop and one row of FeatureSums. The chunks depend on the shape alone, so the bits of a sum
// do not depend on the threads. A channel's f32 sum runs over at most 4,096 pixels, or one row.
#pragma once

#include <algorithm>
#include <cstdint>

namespace fermion::kernels {

struct RowChunks {
  std::int64_t rows, per_chunk;

  // A row has `pixels` of C channels.
  RowChunks(std::int64_t rows, std::int64_t pixels, std::int64_t C)
      : rows(rows),
        per_chunk(std::max<std::int64_t>(1, std::min(4096 / std::max<std::int64_t>(1, pixels),
                                                     32768 / std::max<std::int64_t>(1, pixels * C)))) {}

  std::int64_t count() const { return (rows + per_chunk - 1) / per_chunk; }
  std::int64_t begin(std::int64_t chunk) const { return chunk * per_chunk; }
  std::int64_t end(std::int64_t chunk) const { return std::min(rows, (chunk + 1) * per_chunk); }
};

}  // namespace fermion::kernels
