// Tiles of pixels: every output pixel lies in one tile, and what its taps read is where they look for it, in
// banks that differ.
#include "kernels/pixel_tiles.h"

#include <doctest/doctest.h>
#include <map>
#include <set>
#include <vector>

using fermion::kernels::pixel_tiles;
using fermion::kernels::PixelTiles;

namespace {

struct Images {
  int N, H, W, pad;
};
const std::vector<Images> all_images{{1, 1, 1, 1},   {3, 7, 7, 1},   {5, 4, 4, 1},
                                     {2, 14, 14, 1}, {2, 16, 16, 1}, {1, 9, 15, 1},
                                     {1, 33, 50, 1}, {4, 28, 28, 0}, {1, 12, 14, 0}};

}  // namespace

TEST_CASE("every output pixel lies in one tile") {
  for (const Images& images : all_images) {
    CAPTURE(images.W);
    const PixelTiles tiles = pixel_tiles(images.N, images.H, images.W, images.pad);
    std::vector<int> times(static_cast<std::size_t>(images.N * images.H * images.W));
    for (int tile = 0; tile < tiles.count(); ++tile)
      for (int p = 0; p < tiles.rows * tiles.width; ++p)
        if (const int pixel = tiles.output(tiles.place(tile), p); pixel >= 0)
          ++times.at(static_cast<std::size_t>(pixel));
    for (const int n : times) CHECK(n == 1);
  }
}

TEST_CASE("taps read the pixels around theirs, zeros outside") {
  for (const Images& images : all_images) {
    CAPTURE(images.W);
    const PixelTiles tiles = pixel_tiles(images.N, images.H, images.W, images.pad);
    for (int tile = 0; tile < tiles.count(); ++tile) {
      const PixelTiles::Place at = tiles.place(tile);
      std::map<int, int> pixel_of_slot;
      for (int i = 0; i < tiles.inputs(); ++i) {
        const PixelTiles::Input input = tiles.input(at, i);
        CHECK(input.slot < tiles.slots());
        CHECK(pixel_of_slot.emplace(input.slot, input.pixel).second);
      }
      for (int p = 0; p < tiles.rows * tiles.width; ++p) {
        const int pixel = tiles.output(at, p);
        if (pixel < 0) continue;
        const int w = pixel % images.W, h = pixel / images.W % images.H;
        for (int a = -images.pad; a <= images.pad; ++a)
          for (int b = -images.pad; b <= images.pad; ++b) {
            const bool inside = h + a >= 0 && h + a < images.H && w + b >= 0 && w + b < images.W;
            const int slot = tiles.slot(p) + (a + images.pad) * tiles.pitch() + b + images.pad;
            REQUIRE(pixel_of_slot.contains(slot));
            CHECK(pixel_of_slot[slot] == (inside ? pixel + a * images.W + b : -1));
          }
      }
    }
  }
}

TEST_CASE("eight neighbouring output pixels read eight slots that differ modulo 8") {
  for (const Images& images : all_images) {
    CAPTURE(images.W);
    const PixelTiles tiles = pixel_tiles(images.N, images.H, images.W, images.pad);
    CHECK(tiles.slots() % 8 == 4);
    CHECK(tiles.slots(4) % 8 == 2);
    CHECK(tiles.slots(8) % 8 == 1);
    CHECK(tiles.slots(16) % 8 == 1);
    for (int p = 0; p < tiles.rows * tiles.width; p += 8) {
      std::set<int> rest;
      for (int i = 0; i < 8; ++i) rest.insert(tiles.slot(p + i) % 8);
      CHECK(rest.size() == 8);
    }
  }
}
