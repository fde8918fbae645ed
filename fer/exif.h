// How a camera was held: the orientation that it notes in a JPEG.
#pragma once

#include <cstdint>
#include <span>

#include "fer/image.h"

namespace fermion::fer {

// The orientation (tag 0x112 of EXIF's first directory) of a JPEG, 1 to 8. 1, upright, for anything else:
// other formats, no EXIF, a directory that is damaged.
int exif_orientation(std::span<const std::uint8_t> jpeg);

// The picture as it should be seen, of one stored with that orientation. With the picture stored h x w, pixel
// (y, x) of the result is, by orientation,
//   1 (y, x)              2 (y, w-1-x)          3 (h-1-y, w-1-x)      4 (h-1-y, x)
//   5 (x, y)              6 (h-1-x, y)          7 (h-1-x, w-1-y)      8 (x, w-1-y)
Image upright(Image stored, int orientation);

}  // namespace fermion::fer
