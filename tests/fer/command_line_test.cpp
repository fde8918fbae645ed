// What the program says and returns, for words that make no sense and for others.
#include "fer/command_line.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <regex>
#include <sys/resource.h>

#include "tests/fer/answer.h"
#include "tests/fer/minute_run.h"

using namespace fermion::fer;
TEST_CASE("wrong words end with status 2") {
  const TemporaryFolder folder;
  const std::string run = folder / "run";
  check_refused({}, 2, "Usage: fer ");
  check_refused({"predict"}, 2, "fer: images is required; fer predict --help explains\n");
  check_refused({"info", "--set", "batch=99999999999"}, 2,
                "fer: option 'batch' lies between 1 and 65536, not 99999999999\n");
  check_refused({"trian"}, 2,
                "fer: there is no command 'trian', only train, eval, predict, info, data, devices, faces\n");
  check_refused({"--verson"}, 2, "fer: there is no option '--verson'; --help lists them\n");
  for (const char* name : {"faces.jpg", "best.safetensors"})
    check_refused({"faces", "--out", folder / name}, 2, "fer: a sheet is written as PNG; '");
  check_refused({"train", "--epochs=3"}, 2, "not expected: --epochs=3");
  check_refused({"train", "--preset", "lnl-huge", "--out", run}, 2,
                "fer: unknown preset 'lnl-huge'; there are ");
  check_refused({"train", "--set", "epoch=3", "--out", run}, 2,
                "fer: unknown option 'epoch'; did you mean 'epochs'?");
  check_refused({"train", "--config", run, "--out", run}, 2,
                "fer: there is no configuration '" + run + "'\n");
  check_refused(
      {"train", "--resume", "--seed", "2", "--out", run}, 2,
      "fer: --resume goes on with the options that the run began with; besides it only --out, --data and "
      "--trace may be given\n");
  check_refused({"train", "--set", "classes=3", "--out", run}, 2,
                "fer: option 'classes' has no effect in training on drawn faces; leave it out\n");
  check_refused({"train", "--out", run + "\xff"}, 2, "fer: argument 3 is not UTF-8");
  check_refused({"predict", "--box", "1,2,3", "a.png"}, 2, "box");
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("a data set without a name is no wish for drawn faces") {
  check_refused({"train", "--data", ""}, 2, "--data: the name of the folder is empty");
}

TEST_CASE("a seed is the same number wherever it is given, or refused") {
  const TemporaryFolder folder;
  const std::string run = folder / "run", file = folder / "seed.toml", sheet = folder / "faces.png";
  for (const std::string seed : {"99999999999999999999", "9223372036854775808", "-1", "1.5", "one", ""}) {
    INFO(seed);
    const std::string sentence = "a seed is a whole number from 0 to 9223372036854775807, not '" + seed + "'";
    check_refused({"train", "--seed", seed, "--out", run}, 2, sentence);
    check_refused({"train", "--set", "seed=" + seed, "--out", run}, 2, sentence);
    check_refused({"faces", "--rows", "1", "--seed", seed, "--out", sheet}, 2, sentence);
    write_file(file, "seed = " + seed + "\n");
    check_refused({"train", "--config", file, "--out", run}, 2, file);
  }
  CHECK(!std::filesystem::exists(run));
  CHECK(!std::filesystem::exists(sheet));
  const Answer largest =
      answer_to({"faces", "--rows", "1", "--size", "16", "--seed", "9223372036854775807", "--out", sheet});
  CHECK(contains(largest.text, "seed 9223372036854775807\n"));
}

TEST_CASE("what no machine can hold is refused before any work") {
  const TemporaryFolder folder;
  const std::string run = folder / "run", sheet = folder / "faces.png";
  check_refused({"faces", "--size", "100000", "--out", sheet}, 2, "fer: faces are drawn 16 to 1024 pixels");
  check_refused({"faces", "--rows", "100000", "--out", sheet}, 2, "fer: a contact sheet has 1 to ");
  check_refused({"info", "--set", "width=1000000"}, 2, "fer: size is at most ");
  check_refused({"train", "--set", "size=100000", "--out", run}, 2, "fer: size is at most ");
  check_refused({"train", "--set", "size=8", "--set", "depth=1", "--set", "grid=2", "--out", run}, 2,
                "fer: faces are drawn 16 to 1024 pixels wide, not 8\n");
  check_refused({"train", "--set", "overlap=25", "--out", run}, 2,
                "fer: overlap 25 makes regions larger than the face; it is at most 24\n");
  check_refused({"train", "--set", "flip=1.5", "--out", run}, 2,
                "fer: option 'flip' lies between 0 and 1, not 1.5\n");
  const Answer many = answer_to({"train", "--set", "faces=10000000", "--set", "size=1024", "--out", run});
  CHECK(many.status == 1);
  CHECK(contains(many.text, "fer: the faces take 29"));
  CHECK(!std::filesystem::exists(run));
}

#ifndef __SANITIZE_ADDRESS__  // whose shadow memory needs more
TEST_CASE("memory that runs out is one sentence") {
  const TemporaryFolder folder;
  const Answer answer = answer_to({"train", "--set", "faces=200000", "--out", folder / "run"}, [] {
    const rlimit limit{1 << 30, 1 << 30};
    ::setrlimit(RLIMIT_AS, &limit);
  });
  CHECK(answer.status == 1);
  CHECK(contains(answer.text, "fer: out of memory; "));
}
#endif

TEST_CASE("bf16 on the CPU ends with status 2, however it is asked for") {
  const TemporaryFolder folder;
  const std::string run = folder / "run", file = folder / "bf16.toml";
  write_file(file, "precision = \"bf16\"\n");
  for (const Words& words :
       {Words{"--precision", "bf16"}, Words{"--set", "precision=bf16"}, Words{"--config", file}}) {
    Words all{"train", "--device", "cpu", "--set", "faces=64", "--set", "epochs=1", "--out", run};
    all.insert(all.end(), words.begin(), words.end());
    check_refused(all, 2, "fer: --precision bf16 needs a CUDA device; the CPU computes in fp32\n");
  }
  CHECK(!std::filesystem::exists(run));
}

TEST_CASE("what is not there, or not what it should be, ends with status 1") {
  const TemporaryFolder folder;
  const std::string run = folder / "run", none = folder / "none", empty = folder / "empty",
                    words = folder / "words";
  std::filesystem::create_directory(empty);
  write_file(words, "words");
  check_refused({"train", "--data", none, "--out", run}, 1, "fer: " + none + ": no such folder\n");
  check_refused({"train", "--data", empty, "--out", run}, 1, "fer: " + empty + " is empty\n");
  check_refused({"data", none}, 1, "fer: " + none + ": no such folder\n");
  check_refused({"train", "--set", "faces=16", "--set", "batch=17", "--out", run}, 1,
                "fer: a batch of 17 is larger than the 16 training faces; set batch to at most 16\n");
  check_refused({"train", "--resume", "--out", run}, 1, "to go on with; start the run anew\n");
  check_refused({"eval", none}, 1, "fer: " + none);
  check_refused({"eval", words}, 1, "fer: " + words);
  check_refused({"predict", "--model", words, words}, 1, "fer: " + words);
  CHECK(!std::filesystem::exists(run));
}

TEST_CASE("every command explains itself") {
  for (const char* command : {"train", "eval", "predict", "info", "data", "devices", "faces"}) {
    const Answer answer = answer_to({command, "--help"});
    CHECK(answer.status == 0);
    CHECK(contains(answer.text, std::string("Example: fer ") + command));
    CHECK(contains(answer_to({"--help"}).text, command));
  }
}

TEST_CASE("every option and what stands without one is explained") {
  const CommandLine line;
  const std::vector<const CLI::App*> commands =
      line.app.get_subcommands([](const CLI::App*) { return true; });
  CHECK(commands.size() == 7);
  int options = 0;
  for (const CLI::App* command : commands) {
    CHECK(!command->get_description().empty());
    for (const CLI::Option* option : command->get_options()) {
      INFO(command->get_name(), " ", option->get_name(false, true));
      CHECK(option->get_description().size() > 3);
      ++options;
    }
  }
  CHECK(options > 30);
  for (const CLI::Option* option : line.app.get_options()) CHECK(!option->get_description().empty());
}

TEST_CASE("fer info --options lists what may be set, for programs too") {
  const auto list = nlohmann::json::parse(answer_to({"info", "--options", "--json"}).text).at("options");
  const auto of = [&](const std::string& key) {
    return *std::ranges::find_if(list, [&](const auto& option) { return option.at("key") == key; });
  };
  CHECK(of("epochs").at("drawn_faces") == 4);
  CHECK(of("epochs").at("data_set") == 10);
  CHECK(!of("faces").contains("data_set"));
  CHECK(of("faces").at("meaning").get<std::string>().size() > 10);
  const Answer answer = answer_to({"info", "--options"});
  CHECK(answer.status == 0);
  CHECK(answer.text == options_table());
}

TEST_CASE("fer tells its version") {
  const Answer answer = answer_to({"--version"});
  CHECK(answer.status == 0);
  CHECK(std::regex_match(answer.text, std::regex("fer [0-9]+\\.[0-9]+\\.[0-9]+\n")));
}

TEST_CASE("a stdout that cannot be written is a failure") {
  const TemporaryFolder folder;
  for (const Words& words : {Words{"--help"}, Words{"info"}, Words{"info", "--json"},
                             Words{"faces", "--rows", "1", "--key", "--out", folder / "faces.png"}}) {
    INFO(words[0]);
    CHECK(answer_to(words, [] { ::close(STDOUT_FILENO); }).status == 1);
    CHECK(answer_to(words).status == 0);
  }
}

TEST_CASE("the defaults are those of the data, wherever it is named") {
  const TemporaryFolder folder;
  const std::string file = folder / "data.toml", data = folder / "set";
  write_file(file, "data = \"" + data + "\"\n");
  CHECK(contains(answer_to({"info"}).text, "0.447 GFLOP"));  // lnl-tiny
  for (const Words& words : {Words{"--set", "data=" + data}, Words{"--config", file}}) {
    Words all{"info"};
    all.insert(all.end(), words.begin(), words.end());
    CHECK(contains(answer_to(all).text, "0.247 GFLOP"));  // lnl-48
    all.insert(all.end(), {"--preset", "lnl-tiny"});
    CHECK(contains(answer_to(all).text, "0.447 GFLOP"));
  }
}

TEST_CASE("fer info tells the size of the network, as a table and as JSON") {
  const Answer table = answer_to({"info", "--preset", "lnl-48"});
  CHECK(table.status == 0);
  CHECK(contains(table.text, "local.conv1/conv2d"));
  CHECK(contains(table.text, "1.54 M parameters, 0.247 GFLOP forward per image\n"));
  const Answer json = answer_to({"info", "--preset", "lnl-48", "--json"});
  CHECK(json.status == 0);
  const nlohmann::json network = nlohmann::json::parse(json.text);
  std::int64_t parameters = 0;
  std::int64_t macs = 0;
  for (const nlohmann::json& layer : network["layers"]) {
    for (const char* key : {"parameters", "macs", "bytes"}) CHECK(layer[key].is_number_integer());
    parameters += layer["parameters"].get<std::int64_t>();
    macs += layer["macs"].get<std::int64_t>();
  }
  CHECK(network["parameters"] == parameters);
  CHECK(network["flops"].is_number_integer());
  CHECK(network["flops"] == 2 * macs);
}

TEST_CASE("fer info prints the network of a checkpoint") {
  const std::string best = minute_run().best, last = minute_run().run / "last.safetensors";
  const std::string table = answer_to({"info", "--set", "size=32"}).text;
  CHECK(table != answer_to({"info"}).text);
  CHECK(answer_to({"info", best}).text == table);
  CHECK(answer_to({"info", last}).text == table);
  CHECK(answer_to({"info", best, "--json"}).text == answer_to({"info", "--set", "size=32", "--json"}).text);
  for (const Words& words :
       {Words{"--preset", "lnl-48"}, Words{"--set", "size=32"}, Words{"--config", best}}) {
    Words all{"info", best};
    all.insert(all.end(), words.begin(), words.end());
    check_refused(all, 2, "fer: a checkpoint has its network; --preset, --config and --set are for others\n");
  }
  check_refused({"info", "tests/none.safetensors"}, 1, "fer: tests/none.safetensors");
}
