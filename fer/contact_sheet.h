// Many synthetic faces on one picture, to look at.
#pragma once

#include <cstdint>
#include <vector>

#include "fer/image.h"

namespace fermion::fer {

// The first 7 rows faces of a seed. With labels, every row is a block of seven, sorted, and each column is
// headed by its expression. Without, all faces are shuffled and bear only numbers from 1: nothing in the
// picture tells the expressions. With truth, a second picture below each face shows in amber on grey what its
// action units changed (truth_map, the strongest pixel full), and frames its crucial cells on a 4 x 4 grid.
struct ContactSheet {
  std::uint64_t seed = 1;
  int size = 112;
  int rows = 5;
  bool labels = true;
  bool truth = false;
};

// The indices of the faces, in reading order. Throws UsageError like draw_contact_sheet.
std::vector<std::int64_t> sheet_faces(const ContactSheet& sheet);

// Throws UsageError for faces of another size than draw_face draws, for fewer than 1 row and for a picture
// higher than read_image reads.
Image draw_contact_sheet(const ContactSheet& sheet);

}  // namespace fermion::fer
