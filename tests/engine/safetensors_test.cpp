#include "engine/safetensors.h"

#include <doctest/doctest.h>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "engine/crc32c.h"
#include "engine/error.h"
#include "kernels/rng.h"
#include "tests/fer/temporary_folder.h"

using namespace fermion::engine;
using fermion::fer::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

SafeTensors small() {
  SafeTensors contents;
  contents.metadata = {{"fermion", R"({"epoch":3,"lr":0.002,"classes":["happiness","\u00e4\n"]})"},
                       {"format", "pt"}};
  contents.tensors = {{"bytes", DType::u8, {3}, {1, 2, 255}},
                      {"a.weight", DType::f32, {2, 1}, {0, 0, 128, 63, 0, 0, 192, 127}},
                      {"half", DType::bf16, {1}, {128, 63}},
                      {"step", DType::i32, {}, {7, 0, 0, 0}},
                      {"none", DType::f32, {0, 5}, {}}};
  return contents;
}

std::string slurp(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void spill(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// A file with this header and so many bytes of data.
std::string file_of(const std::string& header, std::size_t data) {
  const std::uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), 8) + header + std::string(data, '\0');
}

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

void check_same(const SafeTensors& a, const SafeTensors& b) {
  CHECK(a.tensors.size() == b.tensors.size());
  for (const NamedTensor& tensor : a.tensors) {
    const NamedTensor* other = b.find(tensor.name);
    REQUIRE(other);
    CHECK(*other == tensor);
  }
}

bool contains(const std::string& text, const std::string& part) {
  const bool found = text.find(part) != std::string::npos;
  if (!found) MESSAGE(text);
  return found;
}

}  // namespace

TEST_CASE("CRC-32C of the standard's example") {
  Crc32c crc, parts;
  crc.add("123456789");
  CHECK(crc.value() == 0xE3069283u);
  const std::string text(100, 'x');
  crc = {};
  crc.add(text);
  parts.add(text.substr(0, 13));
  parts.add(text.substr(13));
  CHECK(parts.value() == crc.value());
}

TEST_CASE("what is written is read") {
  const TemporaryFolder folder;
  const fs::path path = folder / "a.safetensors";
  write_safetensors(path, small());
  const SafeTensors read = read_safetensors(path);
  CHECK(read.verified);
  check_same(small(), read);
  CHECK(read.metadata.at("format") == "pt");
  auto json = nlohmann::json::parse(read.metadata.at("fermion"));
  CHECK(json.at("checksum").get<std::string>().substr(0, 7) == "crc32c:");
  json.erase("checksum");
  CHECK(json == nlohmann::json::parse(small().metadata.at("fermion")));
  CHECK_FALSE(fs::exists(folder / "a.safetensors.tmp"));

  SUBCASE("what was read is written again, to the same bytes") {
    const std::string before = slurp(path);
    write_safetensors(path, read);
    CHECK(slurp(path) == before);
  }
  SUBCASE("data begin at a multiple of eight, larger elements first") {
    const std::string bytes = slurp(path);
    CHECK(static_cast<unsigned char>(bytes[0]) % 8 == 0);
    CHECK(read.tensors.back().name == "bytes");
  }
  SUBCASE("without metadata and tensors") {
    write_safetensors(path, {});
    CHECK(read_safetensors(path).tensors.empty());
    CHECK(read_safetensors(path).verified);
  }
}

TEST_CASE("tensors go in and out") {
  Device device({.threads = 1});
  SafeTensors contents;
  const Tensor tensor = Tensor::from<float>(device, {2, 2}, std::vector<float>{1, 2, 3, 4});
  contents.add("t", tensor.slice(1, 2));
  const Tensor out = Tensor::zeros(device, DType::f32, {1, 2});
  contents.copy_to("t", out);
  CHECK(out.to_host<float>() == std::vector<float>{3, 4});
  CHECK(error_of([&] { contents.copy_to("u", out); }) == "there is no tensor 'u'");
  CHECK(error_of([&] { contents.copy_to("t", tensor); }) == "'t' is f32 [1, 2] instead of f32 [2, 2]");
}

TEST_CASE("contents that are no valid file are refused and the old file stays") {
  const TemporaryFolder folder;
  const fs::path path = folder / "a.safetensors";
  write_safetensors(path, small());
  const auto refused = [&](const std::function<void(SafeTensors&)>& spoil) {
    SafeTensors contents = small();
    spoil(contents);
    const std::string error = error_of([&] { write_safetensors(path, contents); });
    CHECK(contains(error, path.string() + " cannot be written"));
    check_same(small(), read_safetensors(path));
    return error;
  };
  CHECK(contains(refused([](auto& c) { c.tensors[1].name = "bytes"; }), "\"bytes\" is there twice"));
  CHECK(contains(refused([](auto& c) { c.tensors[0].name = "__metadata__"; }), "reserved"));
  CHECK(contains(refused([](auto& c) { c.tensors[0].shape = {4}; }), "3 bytes, which is not [4] of u8"));
  CHECK(contains(refused([](auto& c) { c.metadata["fermion"] = "[]"; }), "not a JSON object"));
  CHECK(contains(refused([](auto& c) { c.metadata["fermion"] = "{"; }), "not a JSON object"));
  refused([](auto& c) { c.tensors[0].name = "\xff"; });
}

TEST_CASE("a file is not trusted") {
  const TemporaryFolder folder;
  const fs::path path = folder / "bad.safetensors";
  const auto refused = [&](const std::string& bytes, const std::string& reason) {
    spill(path, bytes);
    const std::string error = error_of([&] { read_safetensors(path); });
    CHECK(contains(error, path.string() + " cannot be read: "));
    CHECK(contains(error, reason));
    CHECK(error.find('\n') == std::string::npos);
  };
  const auto tensor = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return R"({"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
  };
  const auto one = [&](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return R"({"a":)" + tensor(dtype, shape, offsets) + "}";
  };
  const std::string good = tensor("F32", "[1]", "[0,4]");
  spill(path, file_of(R"({"a":)" + good + "}", 4));
  CHECK(read_safetensors(path).tensors.size() == 1);
  CHECK_FALSE(read_safetensors(path).verified);

  refused("", "too few");
  refused("\x89PNG\r\n\x1a\n and so on", "truncated, or no safetensors file");
  refused(file_of("{}", 0).substr(0, 9), "truncated");
  refused(file_of("", 0), "not valid JSON");
  refused(file_of("not JSON", 0), "not valid JSON");
  refused(file_of("[]", 0), "not a JSON object");
  refused(file_of(std::string(200000, '['), 0), "not valid JSON");
  refused(file_of(std::string((16 << 20) + 1, ' '), 0), "at most 16777216");
  refused(file_of(R"({"a":)" + good + R"(,"a":)" + good + "}", 4), R"("a" twice)");
  refused(file_of(R"({"a\nb":)" + tensor("F32", "[1]", "[0,3]") + "}", 4), R"("a\nb")");
  refused(file_of(R"({"__metadata__":{"k":"1","k":"2"}})", 0), R"("k" twice)");
  refused(file_of(R"({"__metadata__":{"k":1}})", 0), "map of strings");
  refused(file_of(R"({"__metadata__":["k"]})", 0), "map of strings");
  refused(file_of(R"({"a":3})", 0), "described by something else");
  refused(file_of(R"({"a":{"dtype":"F32","shape":[1]}})", 0), "described by something else");
  refused(file_of(one("F64", "[1]", "[0,8]"), 8), R"(dtype "F64")");
  refused(file_of(one("F32", "{}", "[0,4]"), 4), "malformed");
  refused(file_of(one("F32", "[1]", "[0,4,4]"), 4), "malformed");
  refused(file_of(one("F32", "[1]", "[-4,0]"), 4), "malformed");
  refused(file_of(one("F32", "[1]", "[0.0,4]"), 4), "malformed");
  refused(file_of(one("F32", "[-1]", "[0,4]"), 4), "not a number of elements");
  refused(file_of(one("F32", "[1.0]", "[0,4]"), 4), "not a number of elements");
  refused(file_of(one("F32", "[1,1,1,1,1,1]", "[0,4]"), 4), "6 dimensions");
  refused(file_of(one("F32", "[2]", "[0,4]"), 4), "not its shape [2]");
  // 2^62 elements of four bytes are 0 bytes modulo 2^64.
  refused(file_of(one("F32", "[4611686018427387904]", "[0,0]"), 0), "overflows");
  refused(file_of(one("F32", "[4294967296,4294967296]", "[0,0]"), 0), "overflows");
  refused(file_of(one("F32", "[0,4294967296,4294967296]", "[0,0]"), 0), "overflows");
  refused(file_of(one("F32", "[18446744073709551615]", "[0,4]"), 4), "overflows");
  refused(file_of(one("F32", "[1]", "[4,0]"), 4), "lies at 4 to 0 of 4");
  refused(file_of(one("F32", "[2]", "[0,8]"), 4), "lies at 0 to 8 of 4");
  refused(file_of(one("F32", "[1]", "[18446744073709551612,18446744073709551616]"), 4), "malformed");
  refused(file_of(one("F32", "[1]", "[4,8]"), 8), "comes after a gap");
  refused(file_of(one("F32", "[1]", "[0,4]"), 5), "1 bytes of its data belong to no tensor");
  refused(file_of(R"({"a":)" + good + R"(,"b":)" + good + "}", 4), "overlaps");
  refused(file_of(R"({"a":)" + good + R"(,"b":)" + tensor("U8", "[4]", "[3,7]") + "}", 7), "overlaps");

  CHECK(contains(error_of([&] { read_safetensors(folder / "none"); }), "No such file"));
  CHECK(contains(error_of([&] { read_safetensors(folder.path()); }), "it is a folder"));
  CHECK(contains(error_of([&] { read_safetensors("/dev/null"); }), "not a regular file"));
}

// Whatever happens to a byte, either the file is refused or it still means the same.
TEST_CASE("every damaged byte is noticed") {
  const TemporaryFolder folder;
  const fs::path good = folder / "good", bad = folder / "bad";
  write_safetensors(good, small());
  const std::string bytes = slurp(good);
  int refused = 0, tried = 0;
  const auto damaged = [&](const std::string& text) {
    spill(bad, text);
    ++tried;
    try {
      check_same(small(), read_safetensors(bad));
    } catch (const Error& error) {
      ++refused;
      CHECK(std::string(error.what()).substr(0, bad.string().size()) == bad.string());
    }
  };
  const fermion::kernels::Random random{1, 2, 3};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    damaged(bytes.substr(0, i));
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = bytes;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      damaged(flipped);
    }
    std::string replaced = bytes;
    replaced[i] = "0129[]{},:\"- \\ae"[random.bits(i) % 16];
    if (replaced != bytes) damaged(replaced);
    damaged(bytes.substr(0, i) + bytes.substr(i + 1));
    damaged(bytes.substr(0, i) + '0' + bytes.substr(i));
  }
  // Only what leaves the meaning alone passes: blanks, and the name of the checksum itself.
  CHECK(refused > tried * 9 / 10);
}
