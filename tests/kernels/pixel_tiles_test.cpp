// Tiles of pixels: every output pixel lies in one tile, and what its taps read is where they look for it, in
// banks that differ.
#include "kernels/pixel_tiles.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <map>
#include <set>
#include <vector>

using namespace fermion::kernels;

namespace {

std::vector<PixelTiles> all_tiles() {
  std::vector<PixelTiles> all{pixel_tiles(4, 28, 28, 0), pixel_tiles(1, 12, 14, 0)};
  const struct {
    int N, H, W;
  } images[] = {{1, 1, 1},  {3, 7, 7},   {5, 4, 4},  {2, 14, 14}, {2, 16, 16},
                {1, 9, 15}, {1, 33, 50}, {3, 8, 31}, {3, 5, 8}};
  for (const auto& [N, H, W] : images)
    for (const PixelTiles& tiles :
         {pixel_tiles(N, H, W, 1), strided_tiles(N, H, W), strided_gradient_tiles(N, H, W)})
      all.push_back(tiles);
  return all;
}

// Calls check(tile, place, phase, pixel) for each output pixel of each tile.
template <class Check>
void for_each_output(const PixelTiles& tiles, const Check& check) {
  for (int tile = 0; tile < tiles.count; ++tile)
    for (int p = 0; p < tiles.rows * tiles.width; ++p)
      for (int phase = 0; phase < tiles.up * tiles.up; ++phase)
        if (const int pixel = tiles.output(tiles.place(tile), p, phase); pixel >= 0)
          check(tile, p, phase, pixel);
}

}  // namespace

TEST_CASE("every output pixel lies in one tile") {
  for (const PixelTiles& tiles : all_tiles()) {
    CAPTURE(tiles.W);
    CAPTURE(tiles.stride);
    CAPTURE(tiles.up);
    std::vector<int> times(static_cast<std::size_t>(tiles.N * tiles.H * tiles.W));
    for_each_output(tiles, [&](int, int, int, int pixel) { ++times.at(static_cast<std::size_t>(pixel)); });
    for (const int n : times) CHECK(n == 1);
  }
}

TEST_CASE("taps read the pixels around theirs, zeros outside") {
  for (const PixelTiles& tiles : all_tiles()) {
    CAPTURE(tiles.W);
    CAPTURE(tiles.stride);
    CAPTURE(tiles.up);
    std::vector<std::map<int, int>> pixel_of_slot(static_cast<std::size_t>(tiles.count));
    for (int tile = 0; tile < tiles.count; ++tile)
      for (int i = 0; i < tiles.inputs; ++i) {
        const PixelTiles::Input input = tiles.input(tiles.place(tile), i);
        CHECK(input.slot < tiles.slots());
        CHECK(pixel_of_slot[static_cast<std::size_t>(tile)].emplace(input.slot, input.pixel).second);
      }
    for_each_output(tiles, [&](int tile, int p, int, int pixel) {
      const int w = pixel % tiles.W, h = pixel / tiles.W % tiles.H, image = pixel / tiles.W / tiles.H;
      for (int a = 0; a < tiles.reach; ++a)
        for (int b = 0; b < tiles.reach; ++b) {
          const int in_h = h / tiles.up * tiles.stride + a - tiles.pad,
                    in_w = w / tiles.up * tiles.stride + b - tiles.pad;
          const bool inside = in_h >= 0 && in_h < tiles.in_H && in_w >= 0 && in_w < tiles.in_W;
          const int slot =
              tiles.slot(p) + (a * tiles.stride + b % tiles.stride) * tiles.pitch + b / tiles.stride;
          const std::map<int, int>& pixels = pixel_of_slot[static_cast<std::size_t>(tile)];
          REQUIRE(pixels.contains(slot));
          CHECK(pixels.at(slot) == (inside ? (image * tiles.in_H + in_h) * tiles.in_W + in_w : -1));
        }
    });
  }
}

TEST_CASE("eight neighbouring places read eight slots that differ modulo 8") {
  for (const PixelTiles& tiles : all_tiles()) {
    CAPTURE(tiles.W);
    CAPTURE(tiles.stride);
    CAPTURE(tiles.up);
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

// Where threads that fill slots side by side meet no bank twice.
TEST_CASE("in tiles of 16 columns, pixels of images of 8 or more follow each other in their slots") {
  for (const PixelTiles& tiles : all_tiles())
    if (tiles.width == 16 && tiles.images <= 2)
      for (int i = 0; i < tiles.inputs; ++i) CHECK(tiles.input({}, i).slot == i);
}

// A thread fills half of a pixel's 16 channels, so 4 pixels go to memory together. Those of images of 4
// places side by side may meet.
TEST_CASE("four neighbouring input pixels fill slots that differ modulo 4, so in images of 7 pixels") {
  for (const PixelTiles& tiles : all_tiles()) {
    const bool two_of_seven = tiles.W == 7 && tiles.images == 2 && tiles.reach == 3;
    if (!two_of_seven && (tiles.width != 16 || tiles.images > 2)) continue;
    CAPTURE(tiles.W);
    CAPTURE(tiles.stride);
    CHECK(tiles.by_inputs.quotient(tiles.inputs - 1) == 0);
    CHECK(tiles.by_inputs.quotient((tiles.inputs + 3) / 4 * 4) == 1);
    for (int i = 0; i < tiles.inputs; i += 4) {
      std::set<int> rest;
      const int count = std::min(4, tiles.inputs - i);
      for (int j = 0; j < count; ++j) rest.insert(tiles.input({}, i + j).slot % 4);
      CHECK(rest.size() == static_cast<std::size_t>(count));
    }
  }
}
