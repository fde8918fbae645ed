#include "fer/config.h"

#include <doctest/doctest.h>
#include <regex>
#include <sstream>

#include "fer/files.h"
#include "tests/fer/generated_sets.h"
#include "tests/fer/temporary_folder.h"

using namespace fermion::fer;

namespace {

// Another value of every option.
TrainConfig changed() {
  TrainConfig config;
  each_option(config, [](const std::string& key, auto& value, const char*) {
    using Value = std::remove_reference_t<decltype(value)>;
    if constexpr (std::is_same_v<Value, bool>)
      value = !value;
    else if constexpr (std::is_same_v<Value, std::string>)
      value = key == "preset" ? "lnl-base" : "a \"quoted\" = \\ [päth] #1";
    else if constexpr (std::is_integral_v<Value>)
      value += 7;
    else
      value = value / 3 + 1e-9;
  });
  return config;
}

TrainConfig from_toml(const std::string& text) {
  const TemporaryFolder folder;
  write_file(folder / "config.toml", text);
  TrainConfig config;
  read_toml(config, folder / "config.toml");
  return config;
}

std::string refusal(const std::string& assignment) {
  return error_of([&] {
    TrainConfig config;
    set_option(config, assignment);
    check(config);
  });
}

}  // namespace

TEST_CASE("every option comes back from TOML, from JSON and from the command line") {
  const TrainConfig config = changed();
  const nlohmann::json json = to_json(config), defaults = to_json(TrainConfig());
  for (const auto& [key, value] : json.items()) CHECK_MESSAGE(value != defaults[key], key);
  CHECK(to_json(from_json<TrainConfig>(json)) == json);
  TrainConfig typed;
  for (const auto& [key, value] : json.items())
    if (key == "preset") set_option(typed, "preset=" + value.get<std::string>());
  for (const auto& [key, value] : json.items())
    if (key != "preset")
      set_option(typed, key + "=" + (value.is_string() ? value.get<std::string>() : value.dump()));
  CHECK(to_json(typed) == json);
}

TEST_CASE("TOML brings back every option that has an effect, and holds no other") {
  for (const char* data : {"", "faces"}) {
    TrainConfig config = changed();
    config.data = data;
    const TrainConfig read = from_toml(to_toml(config));
    check_effects(read);
    nlohmann::json json = to_json(config), back = to_json(read);
    std::set<std::string> without;
    for (const auto& [key, value] : json.items()) {
      if (!read.named.contains(key)) without.insert(key);
      if (read.named.contains(key)) CHECK_MESSAGE(back[key] == value, key);
    }
    using Keys = std::set<std::string>;
    CHECK(without ==
          (*data ? Keys{"classes", "faces"} : Keys{"classes", "holdout", "skip_unreadable", "targets"}));
  }
}

TEST_CASE("an option that changes nothing is refused once it is named") {
  const auto refused = [](const char* data, const std::string& assignment) {
    TrainConfig config;
    set_option(config, assignment);
    config.data = data;
    const std::string refusal = error_of([&] { check_effects(config); });
    CHECK((refusal == "nothing thrown" || contains(refusal, "has no effect in training on ")));
    return refusal != "nothing thrown";
  };
  for (const char* assignment : {"classes=7", "holdout=0.1", "targets=votes", "skip_unreadable=false"})
    CHECK_MESSAGE(refused("", assignment), assignment);
  for (const char* assignment : {"classes=8", "faces=8000"})
    CHECK_MESSAGE(refused("folder", assignment), assignment);
  CHECK(!refused("", "faces=100"));
  CHECK(!refused("folder", "holdout=0.2"));
  check_effects(TrainConfig());
}

TEST_CASE("a preset names four options, whatever comes first in the file, and leaves the others alone") {
  const TrainConfig config = from_toml("width = 24\nfeedback = false\npreset = \"lnl-base\"\n");
  CHECK(config.model.size == 112);
  CHECK(config.model.width == 24);
  CHECK(config.model.depth == 4);
  CHECK(!config.model.feedback);
  TrainConfig later = config;
  set_option(later, "preset=lnl-48");
  CHECK(later.model.size == 48);
  CHECK(later.model.width == 16);
  CHECK(!later.model.feedback);
}

TEST_CASE("unknown options and presets, and values of another type") {
  CHECK(refusal("lrr=1").rfind("unknown option 'lrr'; did you mean 'lr'? There are preset, size, ", 0) == 0);
  CHECK(contains(refusal("weigth-decay=1"), "did you mean 'weight_decay'?"));
  CHECK(contains(refusal("=1"), "unknown option ''"));
  CHECK(refusal("batch") == "'batch' is not of the form key=value");
  CHECK(refusal("batch=2.5") == "option 'batch' is a whole number, not '2.5'");
  CHECK(refusal("batch=9999999999x") == "option 'batch' is a whole number, not '9999999999x'");
  CHECK(refusal("batch=") == "option 'batch' is a whole number, not ''");
  CHECK(refusal("lr=fast") == "option 'lr' is a number, not 'fast'");
  CHECK(refusal("augment=yes") == "option 'augment' is true or false, not 'yes'");
  CHECK(refusal("preset=lnl-huge") ==
        "unknown preset 'lnl-huge'; there are lnl-tiny, lnl-48, lnl-base, lnl-large");
}

TEST_CASE("a number of too many digits is told the range of the option") {
  CHECK(refusal("batch=99999999999") == "option 'batch' lies between 1 and 65536, not 99999999999");
  CHECK(refusal("warmup=-99999999999") == "option 'warmup' lies between -1 and 2147483647, not -99999999999");
  const TrainConfig config;
  each_option(config, [&](const std::string& key, const auto& value, const char*) {
    if constexpr (std::is_same_v<decltype(value), const int&>) {
      INFO(key);
      CHECK(contains(refusal(key + "=99999999999"), "option '" + key + "' lies between "));
      CHECK(!contains(refusal(key + "=99999999999"), "-2147483648"));
    }
  });
  CHECK(refusal("lr=1e400") == "option 'lr' must be finite and not negative; it is inf");
  CHECK(refusal("ema=-1e400") == "option 'ema' must be at least 0 and less than 1; it is -inf");
  CHECK(refusal("lr=1e-400") == "nothing thrown");
}

TEST_CASE("a broken TOML file is named with its line") {
  const auto refusal_of = [](const std::string& text) { return error_of([&] { from_toml(text); }); };
  CHECK(contains(refusal_of("lr = 1\nbatch = \n"), "config.toml', line 2: "));
  CHECK(contains(refusal_of("lr = 1\nbatches = 3\n"), "config.toml, line 2: unknown option 'batches'"));
  CHECK(contains(refusal_of("epochs = 2.7\n"), "config.toml, line 1: option 'epochs' is a whole number"));
  CHECK(contains(refusal_of("\n[train]\nlr = 1\n"), "line 2: option 'train' is not a string, number or"));
  TrainConfig config;
  CHECK(error_of([&] { read_toml(config, "none.toml"); }) == "there is no configuration 'none.toml'");
  CHECK(error_of([&] { read_toml(config, "."); }) == "the configuration '.' is a folder, not a file");
}

TEST_CASE("options that do not fit together") {
  TrainConfig config;
  config.model.non_local = false;
  config.model.local_input = "encoder0";
  CHECK_THROWS_AS(check(config), UsageError);
}

TEST_CASE("a batch of one needs maps of more than one pixel") {
  const auto refused = [](int size, int depth, int grid, int overlap, bool local, int batch) {
    TrainConfig config;
    config.batch = batch;
    config.model.size = size, config.model.depth = depth, config.model.grid = grid;
    config.model.overlap = overlap, config.model.local = local;
    return error_of([&] { check(config); }) != "nothing thrown";
  };
  CHECK(!refused(64, 3, 4, 0, true, 1));
  CHECK(refused(16, 1, 4, 0, true, 1));
  CHECK(!refused(16, 1, 4, 0, true, 2));
  CHECK(refused(16, 1, 4, 1, true, 1));
  CHECK(!refused(16, 1, 4, 2, true, 1));
  CHECK(!refused(16, 1, 4, 0, false, 1));
  CHECK(refused(16, 4, 1, 0, true, 1));
}

TEST_CASE("sizes that no machine can hold are refused, large ones are not") {
  const auto refused = [](const std::vector<std::string>& assignments) {
    TrainConfig config;
    for (const std::string& assignment : assignments) set_option(config, assignment);
    try {
      check(config);
    } catch (const UsageError&) {
      return true;
    }
    return false;
  };
  CHECK(refused({"size=2048"}));
  CHECK(refused({"width=1000000"}));
  CHECK(refused({"width=2147483647", "depth=1"}));
  CHECK(refused({"width=1025"}));
  CHECK(refused({"size=1024", "width=65"}));
  CHECK(refused({"size=256", "grid=64"}));
  CHECK(refused({"overlap=65"}));
  CHECK(refused({"classes=1001"}));
  CHECK(refused({"batch=65537"}));
  CHECK(refused({"faces=10000001"}));
  CHECK(!refused({"size=1024", "width=64", "grid=32"}));
  CHECK(!refused({"width=1024"}));
  CHECK(!refused({"overlap=24", "classes=1000", "batch=65536", "faces=10000000"}));
  CHECK(!refused({"preset=lnl-large"}));
}

TEST_CASE("the table of options has a line for each, with defaults and meaning") {
  std::istringstream table(options_table());
  std::string line;
  std::getline(table, line);
  CHECK(contains(line, "meaning"));
  const TrainConfig config;
  each_option(config, [&](const std::string& key, const auto&, const std::string& meaning) {
    std::getline(table, line);
    INFO(line);
    CHECK(line.starts_with(key + " "));
    CHECK(line.ends_with("  " + meaning));
    CHECK(meaning.size() > 10);
    CHECK(line.size() <= 120);
  });
  CHECK(!std::getline(table, line));
  const auto has = [](const char* pattern) {
    return std::regex_search(options_table(), std::regex(pattern));
  };
  CHECK(has("\npreset +\"lnl-tiny\" +\"lnl-48\" "));
  CHECK(has("\nepochs +4 +10 "));
  CHECK(has("\nfaces +8000 +- "));
  CHECK(has("\nholdout +- +0.1 "));
  CHECK(has("\nclasses +- +- "));
}

TEST_CASE("the sample file is one, on drawn faces and on a data set") {
  const auto valid = [](TrainConfig config, const std::filesystem::path& file) {
    read_toml(config, file);
    check(config);
    check_effects(config);
    return config;
  };
  CHECK(valid(drawn_faces_config(), "docs/train.toml").named.size() > 10);
  // What is commented out is for a data set, what is refused there is not.
  const std::vector<std::uint8_t> bytes = read_file("docs/train.toml");
  std::string text(bytes.begin(), bytes.end());
  text = std::regex_replace(text, std::regex("\n# ([a-z]+ = )"), "\n$1");
  text = std::regex_replace(text, std::regex("\nfaces = "), "\n# faces = ");
  const TemporaryFolder folder;
  write_file(folder / "train.toml", text);
  const TrainConfig config = valid(data_set_config(), folder / "train.toml");
  CHECK(config.data == "ferplus");
  CHECK(config.named.contains("holdout"));
}

TEST_CASE("a negative seed in a checkpoint makes no sense") {
  TrainConfig config;
  config.seed = -1;
  CHECK_THROWS_AS(check(config), UsageError);
}

TEST_CASE("values that make no sense") {
  for (const char* assignment :
       {"epochs=0",         "batch=0",           "faces=0",          "warmup=-2",     "patience=-1",
        "threads=-1",       "threads=1025",      "loader_threads=0", "lr=-1",         "lr=nan",
        "lr=inf",           "clip=-1",           "momentum=1",       "ema=1",         "flip=1.5",
        "erase=-0.1",       "label_smoothing=1", "scale=1",          "holdout=0",     "holdout=1",
        "holdout=nan",      "dropout=1",         "dropout=nan",      "size=60",       "grid=3",
        "grid=0",           "width=0",           "depth=0",          "depth=9",       "overlap=-1",
        "classes=1",        "targets=mean",      "device=tpu",       "precision=fp8", "optimizer=adam",
        "local_input=unet1"}) {
    INFO(std::string(assignment));
    TrainConfig config;
    set_option(config, assignment);
    CHECK_THROWS_AS(check(config), UsageError);
  }
  for (const char* assignment : {"lr=0", "warmup=0", "clip=0", "ema=0", "dropout=0", "flip=1", "grid=1"})
    CHECK_MESSAGE(refusal(assignment) == "nothing thrown", assignment);
}
