#include "fer/contact_sheet.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <set>

#include "fer/config.h"
#include "fer/faces_command.h"
#include "fer/synth_faces.h"
#include "tests/fer/temporary_folder.h"

using namespace fermion::fer;

namespace {

Image face_of(std::uint64_t seed, std::int64_t index, int size) {
  Image image{size, size, std::vector<std::uint8_t>(3u * size * size)};
  FaceOptions face;
  face.seed = seed;
  face.index = index;
  face.size = size;
  draw_face(face, image.rgb.data());
  return image;
}

// Places of `face` on the sheet.
int found(const Image& sheet, const Image& face) {
  int count = 0;
  for (int y = 0; y + face.height <= sheet.height; ++y)
    for (int x = 0; x + face.width <= sheet.width; ++x) {
      bool same = true;
      for (int row = 0; same && row < face.height; ++row)
        same =
            std::equal(face.rgb.begin() + 3 * row * face.width, face.rgb.begin() + 3 * (row + 1) * face.width,
                       sheet.rgb.begin() + 3 * ((y + row) * sheet.width + x));
      count += same;
    }
  return count;
}

}  // namespace

TEST_CASE("with labels, each row is a block of seven in the order of the expressions") {
  ContactSheet sheet;
  sheet.seed = 5;
  sheet.rows = 3;
  const std::vector<std::int64_t> faces = sheet_faces(sheet);
  REQUIRE(faces.size() == 21);
  for (int i = 0; i < 21; ++i) {
    CHECK(static_cast<int>(expression_at(5, faces[i])) == i % 7);
    CHECK(faces[i] / 7 == i / 7);
  }
}

TEST_CASE("without labels, the same faces are shuffled over the whole sheet") {
  ContactSheet sheet;
  sheet.labels = false;
  const std::vector<std::int64_t> faces = sheet_faces(sheet);
  REQUIRE(faces.size() == 35);
  CHECK(std::set<std::int64_t>(faces.begin(), faces.end()).size() == 35);
  int in_block = 0;  // a row that is a block would give its last face away
  for (int i = 0; i < 35; ++i) in_block += faces[i] / 7 == i / 7;
  CHECK(in_block < 20);
  CHECK(faces == sheet_faces(sheet));
  sheet.seed = 2;
  CHECK(faces != sheet_faces(sheet));
}

TEST_CASE("the sheet shows each of its faces once") {
  for (const bool labels : {true, false}) {
    ContactSheet sheet;
    sheet.size = 32;
    sheet.rows = 2;
    sheet.labels = labels;
    const Image image = draw_contact_sheet(sheet);
    CHECK(image.rgb.size() == 3u * image.width * image.height);
    for (const std::int64_t index : sheet_faces(sheet)) CHECK(found(image, face_of(1, index, 32)) == 1);
  }
}

TEST_CASE("labels and numbers are written in the margin") {
  ContactSheet sheet;
  sheet.size = 64;
  sheet.rows = 1;
  const auto dark_pixels = [&](int from, int to) {
    const Image image = draw_contact_sheet(sheet);
    int count = 0;
    for (int y = from; y < to; ++y)
      for (int x = 0; x < image.width; ++x) count += image.rgb[3 * (y * image.width + x)] < 128;
    return count;
  };
  CHECK(dark_pixels(0, 19) > 300);  // seven words above the faces
  sheet.labels = false;
  CHECK(dark_pixels(0, 5) == 0);
  CHECK(dark_pixels(72, 84) > 60);  // seven digits below them
}

TEST_CASE("the truth is amber where something moves, grey elsewhere") {
  ContactSheet sheet;
  sheet.size = 64;
  sheet.rows = 1;
  const Image plain = draw_contact_sheet(sheet);
  sheet.truth = true;
  const Image image = draw_contact_sheet(sheet);
  CHECK(image.height == plain.height + 64 + 6);
  for (int column = 0; column < 7; ++column) {
    int coloured = 0;
    for (int y = plain.height; y < image.height - 6; ++y)
      for (int x = 6 + 70 * column; x < 70 + 70 * column; ++x) {
        const std::uint8_t* pixel = &image.rgb[3 * (y * image.width + x)];
        coloured += pixel[0] != pixel[2];
      }
    CAPTURE(column);
    if (column == 0)
      CHECK(coloured == 0);  // neutral
    else
      CHECK(coloured > 60);
  }
}

TEST_CASE("a sheet that is empty, or too large to be read again, says so") {
  const auto refused = [](int rows, int size) {
    ContactSheet sheet;
    sheet.rows = rows;
    sheet.size = size;
    try {
      sheet_faces(sheet);
    } catch (const UsageError&) {
      return true;
    }
    return false;
  };
  CHECK(refused(0, 112));
  CHECK(refused(100'000, 16));
  CHECK(refused(2'147'483'647, 16));
  CHECK(refused(1, 15));
  CHECK(refused(1, 1025));
  CHECK(refused(16, 1024));
  CHECK(!refused(15, 1024));
  CHECK(!refused(1, 16));
}

TEST_CASE("fer faces writes the sheet that was asked for") {
  const TemporaryFolder folder;
  FacesOptions options;
  options.out = folder.path() / "faces.png";
  options.sheet.size = 32;
  options.sheet.rows = 1;
  CHECK(faces_command(options) == 0);
  CHECK(read_image(options.out) == draw_contact_sheet(options.sheet));
  options.out = folder.path() / "missing" / "faces.png";
  CHECK_THROWS_AS(faces_command(options), std::exception);
}
