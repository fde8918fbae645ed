#include "fer/report.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "fer/assets.h"
#include "fer/files.h"
#include "fer/overlay.h"
#include "tests/fer/temporary_folder.h"

using namespace fermion::fer;
using nlohmann::json;

namespace {

std::size_t occurrences(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// The text of the page's element `<script ... id="ID">`, ended where an HTML parser would end it.
std::string script(const std::string& page, const std::string& id) {
  const std::string open = "id=\"" + id + "\">";
  REQUIRE(occurrences(page, open) == 1);
  const std::size_t begin = page.find(open) + open.size();
  return page.substr(begin, page.find("</script", begin) - begin);
}

std::set<std::string> matches(std::string_view text, const char* pattern) {
  const std::regex expression(pattern);
  std::set<std::string> result;
  for (std::cregex_iterator i(text.data(), text.data() + text.size(), expression), end; i != end; ++i)
    result.insert((*i)[1]);
  return result;
}

// Written apart from data_uri: bit by bit.
std::vector<std::uint8_t> decode_base64(std::string text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  REQUIRE(text.size() % 4 == 0);
  const std::size_t padding = static_cast<std::size_t>(std::count(text.begin(), text.end(), '='));
  REQUIRE(padding < 3);
  text.resize(text.size() - padding);
  std::vector<std::uint8_t> bytes(text.size() * 6 / 8);
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    const std::size_t digit = digits.find(text[bit / 6]);
    REQUIRE(digit != std::string::npos);
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] << 1 | (digit >> (5 - bit % 6) & 1));
  }
  return bytes;
}

}  // namespace

TEST_CASE("a data URI holds the picture as PNG, with each padding") {
  const std::string prefix = "data:image/png;base64,";
  std::set<long> paddings;
  for (int width = 1; width < 30; ++width) {
    Image image{width, 2, {}};
    for (int i = 0; i < 6 * width; ++i) image.rgb.push_back(static_cast<std::uint8_t>(37 * i * i));
    const std::string uri = data_uri(image);
    REQUIRE(uri.starts_with(prefix));
    CHECK(decode_base64(uri.substr(prefix.size())) == encode_png(image));
    paddings.insert(std::count(uri.begin(), uri.end(), '='));
  }
  CHECK(paddings == std::set<long>{0, 1, 2});
}

TEST_CASE("the page fetches nothing") {
  const std::string page = report_page({{"title", "a run"}});
  const auto found = [&](const char* pattern) {
    return std::regex_search(page, std::regex(pattern, std::regex::icase));
  };
  CHECK(page.find("http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';") !=
        std::string::npos);
  CHECK_FALSE(found(R"((src|href|action|poster|data)\s*=\s*["']?(https?:)?//)"));
  CHECK_FALSE(found(R"(<(link|iframe|object|embed|base|form)\b)"));
  CHECK_FALSE(found(R"(\burl\(\s*["']?[^#"'\s])"));
  CHECK_FALSE(found(R"(@import|\bimport\s*\(|\bfetch\s*\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon)"));
}

TEST_CASE("names that look like HTML stay text") {
  const std::string evil = "</script><b>bold</b><!-- <script> {{report}} <section data-needs=\"x\">";
  const json plain = {{"title", "a"}, {"classes", {"b"}}, {"notes", {"c"}}, {"config", {{"d", "e"}}}};
  const json report = {{"title", evil}, {"classes", {evil}}, {"notes", {evil}}, {"config", {{evil, evil}}}};
  const std::string page = report_page(report), expected = report_page(plain);
  CHECK(json::parse(script(page, "report-data")) == report);
  for (const char* tag : {"</script", "<script", "<!--", "<b>", "<section"})
    CHECK(occurrences(page, tag) == occurrences(expected, tag));
}

TEST_CASE("the page's scripts make text nodes, never HTML from text") {
  CHECK(
      matches(assets::script(), R"((innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|srcdoc))")
          .empty());
  CHECK(assets::script().find("</script") == std::string_view::npos);
  CHECK(assets::chart().find("</script") == std::string_view::npos);
}

TEST_CASE("text that is not UTF-8 is replaced, NaN becomes null") {
  const json report = {{"examples", {{{"path", "fo\xFF.png"}}}}, {"seconds", std::nan("")}};
  const json read = json::parse(script(report_page(report), "report-data"));
  CHECK(read["examples"][0]["path"] == "fo\xEF\xBF\xBD.png");
  CHECK(read["seconds"].is_null());
}

TEST_CASE("a section is in the page if and only if the report has something for it") {
  const auto sections = [](const json& report) {
    return matches(report_page(report), "<section id=\"([a-z]+)\"");
  };
  using Names = std::set<std::string>;
  CHECK(sections(json::object()) == Names{});
  CHECK(sections({{"epochs", json::array()},
                  {"splits", json::object()},
                  {"region_auc", nullptr},
                  {"deletion", nullptr},
                  {"examples", nullptr},
                  {"data", nullptr},
                  {"config", nullptr}}) == Names{});
  CHECK(sections({{"epochs", {{{"epoch", 1}}}}}) == Names{"training", "regions"});
  CHECK(sections({{"splits", {{"test", {{"accuracy", 0.9}}}}}}) == Names{"results", "classes"});
  CHECK(sections({{"region_weights_by_class", {{"fear", {1}}}}}) == Names{"regions"});
  CHECK(sections({{"region_auc", {{"value", 0.7}}}}) == Names{"results", "evidence"});
  CHECK(sections({{"deletion", {{"top", 0.3}}}}) == Names{"results", "evidence"});
  CHECK(sections({{"examples", {{{"path", "a"}}}}}) == Names{"examples"});
  CHECK(sections({{"data", {{"dataset", "FER+"}}}}) == Names{"data"});
  CHECK(sections({{"notes", {"a"}}}) == Names{"data"});
  CHECK(sections({{"config", {{"lr", 0.1}}}}) == Names{"configuration"});
}

TEST_CASE("the scripts know every section, and the page every element that they ask for") {
  const std::set<std::string> ids = matches(assets::page(), "\\bid=\"([a-z-]+)\"");
  for (const std::string& id : matches(assets::script(), R"((?:byId|readJson)\('([a-z-]+)'\))")) {
    CAPTURE(id);
    CHECK(ids.contains(id));
  }
  const std::set<std::string> drawn = matches(assets::script(), R"(\n  ([a-z]+): draw[A-Z])");
  CHECK(drawn == matches(assets::page(), "<section id=\"([a-z]+)\""));
  CHECK(drawn.size() == 8);
}

TEST_CASE("the page tints as the overlay does") {
  const json tints = json::parse(script(report_page(json::object()), "tint-data"));
  REQUIRE(tints.size() == 65);
  for (const auto& [at, weight] : {std::pair{0, 0.25f}, {16, 0.5f}, {32, 1.0f}, {48, 2.0f}, {64, 4.0f}}) {
    const Tint tint = weight_tint(weight);
    CHECK(tints[static_cast<std::size_t>(at)] == json{tint.red, tint.green, tint.blue, tint.opacity});
  }
}

TEST_CASE("write_report writes the page") {
  const TemporaryFolder folder;
  const json report = {{"title", "a run"}};
  write_report(folder / "report.html", report);
  const std::vector<std::uint8_t> bytes = read_file(folder / "report.html");
  CHECK(std::string(bytes.begin(), bytes.end()) == report_page(report));
}
