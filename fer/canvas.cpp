#include "fer/canvas.h"

#include <algorithm>
#include <vector>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb/stb_easy_font.h>
#pragma GCC diagnostic pop

namespace fermion::fer {

void fill_rectangle(Image& image, int x0, int y0, int x1, int y1, Colour colour) {
  for (int y = std::max(y0, 0); y < std::min(y1, image.height); ++y)
    for (int x = std::max(x0, 0); x < std::min(x1, image.width); ++x)
      std::copy(colour.begin(), colour.end(), image.rgb.begin() + 3 * (std::int64_t{y} * image.width + x));
}

int text_width(std::string text, int scale) {
  return scale * stb_easy_font_width(text.data());
}

void write_centred(Image& image, int x, int y, std::string text, Colour colour, int scale) {
  struct Vertex {
    float x, y, z;
    std::uint8_t colour[4];
  };
  std::vector<Vertex> quads(4 * 64 * text.size());
  const int left = x - text_width(text, scale) / 2;
  const int count = stb_easy_font_print(0, 0, text.data(), nullptr, quads.data(),
                                        static_cast<int>(quads.size() * sizeof(Vertex)));
  for (int i = 0; i < count; ++i) {
    const Vertex &low = quads[4 * static_cast<std::size_t>(i)],
                 &high = quads[4 * static_cast<std::size_t>(i) + 2];
    fill_rectangle(image, left + scale * static_cast<int>(low.x), y + scale * static_cast<int>(low.y),
                   left + scale * static_cast<int>(high.x), y + scale * static_cast<int>(high.y), colour);
  }
}

}  // namespace fermion::fer
