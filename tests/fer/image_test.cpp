#include "fer/image.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <doctest/doctest.h>
#include <string>
#include <sys/resource.h>

#include "engine/error.h"
#include "fer/files.h"
#include "tests/fer/temporary_folder.h"

// Writes what encode_png does not: other channel counts, JPEG.
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb/stb_image_write.h>

using namespace fermion::fer;

namespace {

void append(void* bytes, void* data, int size) {
  static_cast<std::string*>(bytes)->append(static_cast<const char*>(data), static_cast<std::size_t>(size));
}

std::string png(int width, int height, int channels, const std::vector<std::uint8_t>& pixels) {
  std::string bytes;
  stbi_write_png_to_func(append, &bytes, width, height, channels, pixels.data(), width * channels);
  return bytes;
}

std::string jpeg(const Image& image) {
  std::string bytes;
  stbi_write_jpg_to_func(append, &bytes, image.width, image.height, 3, image.rgb.data(), 90);
  return bytes;
}

std::string big_endian(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(value >> shift));
  return bytes;
}

// An 8-bit PNG that ends after its header; colour type 0 is grey, 2 is RGB.
std::string png_header(std::uint32_t width, std::uint32_t height, char colour_type) {
  return "\x89PNG\r\n\x1A\n" + big_endian(13) + "IHDR" + big_endian(width) + big_endian(height) + '\x08' +
         colour_type + std::string(3 + 4, '\0');
}

// A different colour in every pixel.
Image gradient(int width, int height) {
  Image image{width, height, {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int value : {5 * x, 7 * y, 3 * (x + y)}) image.rgb.push_back(static_cast<std::uint8_t>(value));
  return image;
}

Image grey(int width, int height, const std::vector<std::uint8_t>& values) {
  Image image{width, height, {}};
  for (std::uint8_t value : values) image.rgb.insert(image.rgb.end(), 3, value);
  return image;
}

Image decode(const std::string& bytes) {
  return decode_image({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, "picture");
}

std::string refusal(const std::string& bytes) {
  try {
    decode(bytes);
  } catch (const fermion::engine::Error& error) {
    return error.what();
  }
  return "read";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a PNG comes back as it was written") {
  const TemporaryFolder folder;
  const Image image = gradient(17, 5);
  write_png(folder / "a.png", image);
  CHECK(read_image(folder / "a.png") == image);
  write_png(folder / "a.png", gradient(1, 1));
  CHECK(read_image(folder / "a.png") == gradient(1, 1));
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("grey repeats, alpha is composited over white") {
  CHECK(decode(png(3, 1, 1, {0, 100, 255})) == grey(3, 1, {0, 100, 255}));
  CHECK(decode(png(3, 1, 2, {80, 255, 80, 0, 0, 102})) == grey(3, 1, {80, 255, 153}));
  CHECK(decode(png(2, 1, 4, {10, 20, 30, 255, 0, 255, 0, 51})).rgb ==
        std::vector<std::uint8_t>{10, 20, 30, 204, 255, 204});
}

TEST_CASE("a JPEG is read near to what was written") {
  const Image image = gradient(20, 12), read = decode(jpeg(image));
  REQUIRE(read.width == 20);
  REQUIRE(read.height == 12);
  for (std::size_t i = 0; i < image.rgb.size(); ++i)
    CHECK(std::abs(int{image.rgb[i]} - int{read.rgb[i]}) < 16);
}

TEST_CASE("files that are no pictures are refused by one sentence that says why") {
  const TemporaryFolder folder;
  const auto refusal_of_file = [&](const char* name) -> std::string {
    try {
      read_image(folder / name);
    } catch (const fermion::engine::Error& error) {
      return error.what();
    }
    return "read";
  };
  CHECK(refusal_of_file("none.png") == (folder / "none.png").string() + ": no such file");
  CHECK(refusal_of_file("") == (folder / "").string() + " is a folder, not a file");
  write_file(folder / "empty.png", "");
  CHECK(refusal_of_file("empty.png") == (folder / "empty.png").string() + " is empty");
  write_file(folder / "text.png", "these are words");
  CHECK(refusal_of_file("text.png") == (folder / "text.png").string() + " is neither PNG nor JPEG");
}

// Nobody would see where they are cut off.
TEST_CASE("other formats are not read") {
  for (const std::string& picture : {std::string("P6\n2 2\n255\n") + std::string(12, 'x'),
                                     std::string("GIF89a\1\0\1\0\0\0\0,", 14), "BM" + std::string(60, '\1')})
    CHECK(contains(refusal(picture), " is neither PNG nor JPEG"));
}

TEST_CASE("truncated pictures are refused wherever they end") {
  const std::string whole_png = png(9, 7, 3, gradient(9, 7).rgb), whole_jpeg = jpeg(gradient(20, 12));
  for (std::size_t size = 4; size < whole_png.size(); ++size) {
    CAPTURE(size);
    // The last four bytes are the end chunk's checksum.
    CHECK(contains(refusal(whole_png.substr(0, size)), "truncated or damaged") ==
          (size < whole_png.size() - 4));
  }
  for (std::size_t size = 4; size < whole_jpeg.size(); ++size) {
    CAPTURE(size);
    CHECK(contains(refusal(whole_jpeg.substr(0, size)), "truncated or damaged"));
  }
}

TEST_CASE("a header that claims too many pixels is refused before anything is decoded") {
  CHECK(
      contains(refusal(png_header(20000, 20000, 0)), "is 20000 x 20000 px; pictures up to 16384 px a side"));
  CHECK(contains(refusal(png_header(20000, 1, 2)), "is 20000 x 1 px"));
  CHECK(contains(refusal(png_header(16000, 16000, 0)), "is 16000 x 16000 px"));
  CHECK(contains(refusal(png_header(20000, 20000, 2)), "is 20000 x 20000 px"));
  CHECK(contains(refusal(png_header(0xFFFFFFFF, 0xFFFFFFFF, 2)), "is 4294967295 x 4294967295 px"));
  CHECK(contains(refusal(png_header(16000, 6000, 0)), "truncated"));
}

TEST_CASE("resize: same size, enlarged and reduced by hand-computed weights") {
  const Image image = gradient(6, 4);
  CHECK(resize(image, 6, 4) == image);
  // Centres at -1/4, 1/4, 3/4, 5/4.
  CHECK(resize(grey(2, 1, {0, 100}), 4, 1) == grey(4, 1, {0, 25, 75, 100}));
  // Triangles of half-width 2 round 1/2 and 5/2: 3/4 3/4 1/4 over 7/4, and mirrored.
  CHECK(resize(grey(4, 1, {70, 140, 210, 35}), 2, 1) == grey(2, 1, {120, 125}));
  CHECK(resize(grey(1, 4, {70, 140, 210, 35}), 1, 2) == grey(1, 2, {120, 125}));
}

TEST_CASE("resize keeps a flat picture flat and does not alias a fine grid") {
  const Image flat = grey(37, 53, std::vector<std::uint8_t>(37 * 53, 201));
  CHECK(resize(flat, 48, 48) == grey(48, 48, std::vector<std::uint8_t>(48 * 48, 201)));
  CHECK(resize(flat, 5, 7) == grey(5, 7, std::vector<std::uint8_t>(5 * 7, 201)));
  std::vector<std::uint8_t> stripes(96 * 96);
  for (std::size_t i = 0; i < stripes.size(); ++i) stripes[i] = i % 2 ? 255 : 0;
  const Image reduced = resize(grey(96, 96, stripes), 20, 20);
  const auto [low, high] = std::minmax_element(reduced.rgb.begin(), reduced.rgb.end());
  CHECK(*low >= 115);
  CHECK(*high <= 140);
}

TEST_CASE("crop takes the box, and only boxes inside the picture") {
  const Image image = gradient(6, 4), part = crop(image, {2, 1, 3, 2});
  REQUIRE(part.width == 3);
  REQUIRE(part.height == 2);
  CHECK(part.rgb ==
        std::vector<std::uint8_t>{10, 7, 9, 15, 7, 12, 20, 7, 15, 10, 14, 12, 15, 14, 15, 20, 14, 18});
  CHECK(crop(image, {0, 0, 6, 4}) == image);
  for (Box box : {Box{-1, 0, 2, 2}, Box{0, 0, 7, 4}, Box{0, 0, 6, 5}, Box{2, 2, 0, 1}, Box{5, 3, 1, 2},
                  Box{2147483647, 0, 2, 2}})
    CHECK_THROWS_AS(crop(image, box), fermion::engine::Error);
}

TEST_CASE("fit cuts the sides that the target's aspect ratio has no room for") {
  const Image wide = gradient(10, 4), tall = gradient(4, 10);
  CHECK(fit(wide, 4, 4) == crop(wide, {3, 0, 4, 4}));
  CHECK(fit(tall, 4, 4) == crop(tall, {0, 3, 4, 4}));
  CHECK(fit(wide, 5, 2) == resize(wide, 5, 2));
  CHECK(fit(gradient(9000, 1), 48, 48).rgb.size() == 48 * 48 * 3);
}

TEST_CASE("a write that fails leaves the old file and no temporary one") {
  const TemporaryFolder folder;
  write_file(folder / "a", "old");
  CHECK_THROWS_AS(write_file(folder / "none" / "a", "new"), fermion::engine::Error);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{1000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  std::string message;
  try {
    write_file(folder / "a", std::string(5000, 'x'));
  } catch (const fermion::engine::Error& error) {
    message = error.what();
  }
  setrlimit(RLIMIT_FSIZE, &before);
  CHECK(contains(message, (folder / "a").string() + " cannot be written: File too large"));
  CHECK(read_file(folder / "a") == std::vector<std::uint8_t>{'o', 'l', 'd'});
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}
