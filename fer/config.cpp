#include "fer/config.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <numeric>
#include <toml++/toml.h>

#include "fer/synth_faces.h"

namespace fermion::fer {
namespace {

// Where whole numbers lie, whatever the other options are.
struct Range {
  std::string_view key;
  int low = std::numeric_limits<int>::lowest(), high = std::numeric_limits<int>::max();
};
constexpr Range ranges[] = {{"size", 8, largest_size},
                            {"width", 1, largest_channels},
                            {"depth", 1, largest_depth},
                            {"grid", 1, largest_grid},
                            {"overlap", 0, largest_size},
                            {"classes", 2, most_classes},
                            {"epochs", 1},
                            {"batch", 1, most_images},
                            {"faces", 1, most_faces},
                            {"warmup", -1},
                            {"patience", 0},
                            {"threads", 0, most_threads},
                            {"loader_threads", 1, most_loader_threads}};

Range range_of(std::string_view key) {
  const auto range = std::ranges::find(ranges, key, &Range::key);
  return range == std::end(ranges) ? Range{key} : *range;
}

void parse(const std::string&, const std::string& text, std::string& value) {
  value = text;
}

void parse(const std::string& key, const std::string& text, bool& value) {
  if (text != "true" && text != "false")
    throw UsageError("option '{}' is true or false, not '{}'", key, text);
  value = text == "true";
}

// The only option of 64 bits.
void parse(const std::string&, const std::string& text, std::int64_t& seed) {
  seed = parse_seed(text);
}

template <class Number>
void parse(const std::string& key, const std::string& text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = end == text.data() + text.size();
  if (whole && error == std::errc::result_out_of_range) {
    if (std::is_integral_v<Number>)
      throw UsageError("option '{}' lies between {} and {}, not {}", key, range_of(key).low,
                       range_of(key).high, text);
    value =
        static_cast<Number>(std::strtod(text.c_str(), nullptr));  // 0 or infinite: check() knows the range
    return;
  }
  if (error != std::errc() || !whole)
    throw UsageError("option '{}' is {}, not '{}'", key,
                     std::is_integral_v<Number> ? "a whole number" : "a number", text);
}

// Letters to insert, delete or replace (Levenshtein).
std::size_t edits(const std::string& from, const std::string& to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t replaced = diagonal + (from[i] != to[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

void set_preset(ModelConfig& model, const std::string& name) {
  try {
    const ModelConfig named = preset(name);
    model.preset = name;
    model.size = named.size;
    model.width = named.width;
    model.depth = named.depth;
    model.grid = named.grid;
  } catch (const engine::Error& error) {
    throw UsageError("{}", error.what());
  }
}

void set(TrainConfig& config, const std::string& key, const std::string& text) {
  config.named.insert(key);
  if (key == "preset") return set_preset(config.model, text);
  bool known = false;
  std::vector<std::string> keys;
  each_option(config, [&](const char* name, auto& value, const char*) {
    keys.emplace_back(name);
    if (key != name) return;
    known = true;
    parse(key, text, value);
  });
  if (known) return;
  const auto nearest = std::min_element(
      keys.begin(), keys.end(), [&](const auto& a, const auto& b) { return edits(key, a) < edits(key, b); });
  throw UsageError("unknown option '{}'; did you mean '{}'? There are {}", key, *nearest,
                   fmt::join(keys, ", "));
}

std::string text_of(const toml::node& node) {
  if (const auto* s = node.as_string()) return s->get();
  if (const auto* b = node.as_boolean()) return b->get() ? "true" : "false";
  if (const auto* i = node.as_integer()) return fmt::format("{}", i->get());
  if (const auto* d = node.as_floating_point()) return fmt::format("{}", d->get());
  return {};
}

// Side of the smallest map that a norm reads.
std::int64_t smallest_map(const ModelConfig& c) {
  const std::int64_t size = c.size, window = std::min(size, size / c.grid + 2 * std::int64_t{c.overlap});
  return std::min({size / 4, c.unet ? size >> c.depth : size, c.local ? window / 4 : size});
}

}  // namespace

TrainConfig data_set_config() {
  TrainConfig config;
  config.model = preset("lnl-48");
  config.epochs = 10;
  return config;
}

TrainConfig drawn_faces_config() {
  TrainConfig config;
  config.epochs = 4;
  config.batch = 32;
  config.shift = config.scale = config.rotation = config.erase = 0;
  return config;
}

void check_word(const char* key, const std::string& value, std::initializer_list<const char*> choices) {
  for (const char* choice : choices)
    if (value == choice) return;
  throw UsageError("option '{}' is one of {}, not '{}'", key, fmt::join(choices, ", "), value);
}

std::int64_t parse_seed(const std::string& text) {
  std::int64_t seed = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (error != std::errc() || end != text.data() + text.size() || seed < 0)
    throw UsageError("a seed is a whole number from 0 to {}, not '{}'",
                     std::numeric_limits<std::int64_t>::max(), text);
  return seed;
}

void set_option(TrainConfig& config, const std::string& assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string::npos) throw UsageError("'{}' is not of the form key=value", assignment);
  set(config, assignment.substr(0, equals), assignment.substr(equals + 1));
}

void read_toml(TrainConfig& config, const std::string& path) {
  if (std::filesystem::is_directory(path))
    throw UsageError("the configuration '{}' is a folder, not a file", path);
  if (!std::filesystem::is_regular_file(path)) throw UsageError("there is no configuration '{}'", path);
  toml::table table;
  try {
    table = toml::parse_file(path);
  } catch (const toml::parse_error& error) {
    throw UsageError("cannot read the configuration '{}', line {}: {}", path, error.source().begin.line,
                     std::string(error.description()));
  }
  const auto apply = [&](const std::string& key, const toml::node& node) {
    const std::string text = text_of(node);
    if (text.empty() && !node.is_string())
      throw UsageError("{}, line {}: option '{}' is not a string, number or boolean", path,
                       node.source().begin.line, key);
    try {
      set(config, key, text);
    } catch (const UsageError& error) {
      throw UsageError("{}, line {}: {}", path, node.source().begin.line, error.what());
    }
  };
  // The preset names defaults of other options, so it comes first.
  if (const toml::node* node = table.get("preset")) apply("preset", *node);
  for (const auto& [key, node] : table)
    if (key.str() != "preset") apply(std::string(key.str()), node);
}

std::string to_toml(const TrainConfig& config) {
  std::string text;
  each_effective_option(config, [&](const char* key, const auto& value) {
    // JSON's strings, numbers and booleans are TOML's.
    text += fmt::format("{} = {}\n", key, nlohmann::json(value).dump());
  });
  return text;
}

bool has_effect(std::string_view key, bool drawn) {
  if (key == "classes") return false;  // the faces have as many as they have
  if (key == "faces") return drawn;
  if (key == "targets" || key == "skip_unreadable" || key == "holdout") return !drawn;
  return true;
}

void check_effects(const TrainConfig& config) {
  const bool drawn = config.data.empty();
  for (const std::string& key : config.named)
    if (!has_effect(key, drawn))
      throw UsageError("option '{}' has no effect in training on {}; leave it out", key,
                       drawn ? "drawn faces" : "a data set");
}

nlohmann::json options_json() {
  const TrainConfig defaults = drawn_faces_config();
  const nlohmann::json drawn = to_json(defaults), of_set = to_json(data_set_config());
  nlohmann::json list = nlohmann::json::array();
  each_option(defaults, [&](const char* key, const auto&, const char* meaning) {
    nlohmann::json option{{"key", key}, {"meaning", meaning}};
    if (has_effect(key, true)) option["drawn_faces"] = drawn.at(key);
    if (has_effect(key, false)) option["data_set"] = of_set.at(key);
    list.push_back(option);
  });
  return {{"options", list}};
}

std::string options_table() {
  const auto cell = [](const char* key, const nlohmann::json& defaults, bool drawn) {
    if (key == std::string_view("data")) return std::string(drawn ? "\"\"" : "DIR");
    return has_effect(key, drawn) ? defaults.at(key).dump() : "-";
  };
  const TrainConfig drawn = drawn_faces_config();
  const nlohmann::json of_drawn = to_json(drawn), of_set = to_json(data_set_config());
  std::string table =
      fmt::format("{:<16} {:>12} {:>12}  {}\n", "option", "drawn faces", "data set", "meaning");
  each_option(drawn, [&](const char* key, const auto&, const char* meaning) {
    table += fmt::format("{:<16} {:>12} {:>12}  {}\n", key, cell(key, of_drawn, true),
                         cell(key, of_set, false), meaning);
  });
  return table;
}

void check(const TrainConfig& c) {
  try {
    check(c.model);
  } catch (const engine::Error& error) {
    throw UsageError("{}", error.what());
  }
  check_word("targets", c.targets, {"votes", "majority"});
  check_word("optimizer", c.optimizer, {"adamw", "sgd"});
  check_word("device", c.device, {"auto", "cpu", "cuda"});
  check_word("precision", c.precision, {"auto", "fp32", "bf16"});
  if (c.precision == "bf16" && c.device == "cpu")
    throw UsageError("--precision bf16 needs a CUDA device; the CPU computes in fp32");
  const auto within = [](const char* key, auto value, auto low, auto high) {
    if (!(value >= low && value <= high))
      throw UsageError("option '{}' lies between {} and {}, not {}", key, low, high, value);
  };
  const auto share = [](const char* key, double value) {
    if (!(value >= 0 && value < 1))
      throw UsageError("option '{}' must be at least 0 and less than 1; it is {}", key, value);
  };
  const auto finite = [](const char* key, double value) {
    if (!(value >= 0 && value <= std::numeric_limits<double>::max()))
      throw UsageError("option '{}' must be finite and not negative; it is {}", key, value);
  };
  each_option(c, [&](const char* key, const auto& value, const char*) {
    if constexpr (std::is_same_v<decltype(value), const int&>)
      within(key, value, range_of(key).low, range_of(key).high);
  });
  if (c.batch == 1 && smallest_map(c.model) == 1)
    throw UsageError(
        "a batch of 1 leaves norms one value where maps shrink to 1 x 1; set batch to at least 2");
  if (c.seed < 0) throw UsageError("option 'seed' is at least 0, not {}", c.seed);
  finite("lr", c.lr);
  finite("weight_decay", c.weight_decay);
  finite("clip", c.clip);
  finite("non_local_loss", c.non_local_loss);
  finite("local_loss", c.local_loss);
  finite("tau", c.tau);
  finite("shift", c.shift);
  finite("rotation", c.rotation);
  share("momentum", c.momentum);
  share("ema", c.ema);
  share("label_smoothing", c.label_smoothing);
  share("scale", c.scale);
  share("brightness", c.brightness);
  within("flip", c.flip, 0.0, 1.0);
  within("erase", c.erase, 0.0, 1.0);
  if (!(c.holdout > 0 && c.holdout < 1))
    throw UsageError("option 'holdout' lies between 0 and 1, not {}", c.holdout);
  if (c.data.empty() && c.model.size < smallest_drawn_face)
    throw UsageError("faces are drawn {} to {} pixels wide, not {}", smallest_drawn_face, largest_drawn_face,
                     c.model.size);
}

}  // namespace fermion::fer
