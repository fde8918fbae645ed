// Rectangles and small text on pictures.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "fer/image.h"

namespace fermion::fer {

using Colour = std::array<std::uint8_t, 3>;

// The rows y0 to y1 - 1 and columns x0 to x1 - 1, as far as they lie inside the picture.
void fill_rectangle(Image& image, int x0, int y0, int x1, int y1, Colour colour);

// One line of ASCII in a bitmap font, each of its pixels `scale` pixels wide and high; digits and capitals
// are 7 of them high.
int text_width(std::string text, int scale = 1);
// With its middle at x and its top at y; what is outside the picture is cut off.
void write_centred(Image& image, int x, int y, std::string text, Colour colour, int scale = 1);

}  // namespace fermion::fer
