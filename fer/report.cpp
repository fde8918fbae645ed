#include "fer/report.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string_view>

#include "engine/error.h"
#include "fer/assets.h"
#include "fer/files.h"
#include "fer/overlay.h"

namespace fermion::fer {
namespace {

// JSON that an HTML parser takes for the text of a script element and nothing else: `<` occurs in strings
// only, where its escape means the same.
std::string embed(const nlohmann::json& json) {
  std::string text;
  for (char c : json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace))
    c == '<' ? text += "\\u003c" : text += c;
  return text;
}

// The tints of weights 1/4 to 4, evenly spaced in log2 w, so that page and overlay() use the same colours.
nlohmann::json tints() {
  nlohmann::json result = nlohmann::json::array();
  for (int i = -32; i <= 32; ++i) {
    const Tint tint = weight_tint(std::exp2(static_cast<float>(i) / 16));
    result.push_back({tint.red, tint.green, tint.blue, tint.opacity});
  }
  return result;
}

std::string part(std::string_view name, const nlohmann::json& report) {
  if (name == "style") return std::string(assets::style());
  if (name == "chart") return std::string(assets::chart());
  if (name == "script") return std::string(assets::script());
  if (name == "report") return embed(report);
  if (name == "tints") return embed(tints());
  throw engine::Error("fer/report/page.html asks for {{{{{}}}}}, which nothing fills", name);
}

bool has(const nlohmann::json& report, const std::string& field) {
  const auto found = report.find(field);
  return found != report.end() && !found->empty();
}

// A section of the page stays if the report has one of the fields that its data-needs="..." names.
std::string without_empty_sections(std::string_view html, const nlohmann::json& report) {
  constexpr std::string_view begin = "<section ", needs = "data-needs=\"", end = "</section>\n";
  std::string result;
  for (std::size_t open; (open = html.find(begin)) != std::string_view::npos;) {
    result += html.substr(0, open);
    html.remove_prefix(open);
    const std::string_view section = html.substr(0, html.find(end) + end.size());
    const std::size_t first = section.find(needs) + needs.size();
    std::istringstream fields(std::string(section.substr(first, section.find('"', first) - first)));
    if (std::any_of(std::istream_iterator<std::string>(fields), {},
                    [&](const std::string& field) { return has(report, field); }))
      result += section;
    html.remove_prefix(section.size());
  }
  return result += html;
}

}  // namespace

std::string data_uri(const Image& image) {
  static constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::vector<std::uint8_t> bytes = encode_png(image);
  const std::size_t padding = (3 - bytes.size() % 3) % 3;
  bytes.resize(bytes.size() + padding);
  std::string uri = "data:image/png;base64,";
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const unsigned triple = static_cast<unsigned>(bytes[i] << 16 | bytes[i + 1] << 8 | bytes[i + 2]);
    for (int shift = 18; shift >= 0; shift -= 6) uri += digits[triple >> shift & 63];
  }
  uri.replace(uri.size() - padding, padding, padding, '=');
  return uri;
}

std::string report_page(const nlohmann::json& report) {
  const std::string html = without_empty_sections(assets::page(), report);
  std::string page;
  std::string_view rest = html;
  for (std::size_t open; (open = rest.find("{{")) != std::string_view::npos;) {
    const std::size_t close = rest.find("}}", open);
    page += rest.substr(0, open);
    page += part(rest.substr(open + 2, close - open - 2), report);
    rest.remove_prefix(close + 2);
  }
  return page += rest;
}

void write_report(const std::filesystem::path& path, const nlohmann::json& report) {
  write_file(path, report_page(report));
}

}  // namespace fermion::fer
