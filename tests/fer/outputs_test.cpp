// Where the program's outputs go: stdout, and never over what it reads.
#include <fcntl.h>
#include <unistd.h>

#include "tests/fer/answer.h"
#include "tests/fer/minute_run.h"
#include "tests/fer/predicted_pictures.h"

using namespace fermion::fer;
namespace fs = std::filesystem;

namespace {

// What the program adds to stdout, a regular file of the current folder, and the exit status.
struct Printed {
  int status;
  std::string out, err;
};

Printed printed_by(const Words& words, const TemporaryFolder& folder) {
  const fs::path out = folder / "stdout";
  const Answer answer = answer_to(words, [&] {
    const int file = ::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (::dup2(file, STDOUT_FILENO) < 0 || ::chdir(folder.path().c_str()) != 0 ||
        ::write(file, "old ", 4) != 4)
      ::_exit(126);
  });
  CAPTURE(answer.text);
  const std::string text = string_of(out);
  CHECK(text.starts_with("old "));
  fs::remove(out);
  return {answer.status, text.substr(std::min<std::size_t>(text.size(), 4)), answer.text};
}

std::size_t entries(const TemporaryFolder& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder.path()), {}));
}

}  // namespace

TEST_CASE("--csv - writes the CSV to stdout and nothing besides, and so does any name of stdout") {
  const TemporaryFolder folder;
  write_png(folder / "a.png", face(1));
  fs::create_symlink("/proc/self/fd/1", folder / "link");
  const std::string model = minute_run().best;
  const auto csv = [&](const std::string& path) {
    const Printed printed = printed_by({"predict", "--model", model, "--csv", path, "a.png"}, folder);
    CHECK(printed.status == 0);
    return printed.out;
  };
  CHECK(contains(csv("out.csv"), "top region"));
  const std::string expected = string_of(folder / "out.csv");
  CHECK(contains(expected, "a.png"));
  for (const char* name : {"-", "link", "stdout"}) CHECK(csv(name) == expected);
  CHECK(entries(folder) == 3);
  const Printed both = printed_by({"predict", "--model", model, "--csv", "-", "--json", "a.png"}, folder);
  CHECK(both.status == 2);
  CHECK(both.out.empty());
}

TEST_CASE("faces --out - writes the sheet to stdout") {
  const TemporaryFolder folder;
  const Words words{"faces", "--rows", "1", "--size", "16", "--out"};
  const auto with = [&](Words more) {
    more.insert(more.begin(), words.begin(), words.end());
    return printed_by(more, folder);
  };
  CHECK(with({"sheet.png"}).out.empty());
  CHECK(with({"-"}).out == string_of(folder / "sheet.png"));
  CHECK(with({"-", "--key"}).status == 2);
  CHECK(entries(folder) == 1);
}

TEST_CASE("a trace is no part of what a run prints") {
  const TemporaryFolder folder;
  const Printed printed = printed_by({"train", "--set", "size=32", "--set", "faces=64", "--set", "epochs=1",
                                      "--set", "batch=16", "--out", "run", "--trace", "-"},
                                     folder);
  CHECK(printed.status == 2);
  CHECK(entries(folder) == 0);
}

TEST_CASE(
    "a CSV or an overlay that would overwrite a picture or the model is refused, and nothing is written") {
  const TemporaryFolder folder;
  fs::create_directories(folder / "in");
  fs::create_directories(folder / "maps");
  write_png(folder / "in" / "a.png", face(1));
  write_png(folder / "in" / "b.png", face(2));
  fs::create_symlink("in/b.png", folder / "soft");
  fs::create_hard_link(folder / "in" / "b.png", folder / "hard");
  fs::create_hard_link(folder / "in" / "a.png", folder / "maps" / "b.png");
  fs::copy_file(minute_run().best, folder / "model");
  const auto state = [&] {
    std::string all;
    for (const auto& entry : fs::recursive_directory_iterator(folder.path()))
      if (entry.is_regular_file()) all += entry.path().string() + string_of(entry.path());
    return all;
  };
  const std::string before = state();
  const auto refuses = [&](const Words& more) {
    Words words{"predict", "--model", "model"};
    words.insert(words.end(), more.begin(), more.end());
    const Printed printed = printed_by(words, folder);
    INFO(printed.err);
    const bool unchanged = state() == before;
    CHECK(unchanged);
    return printed.status == 2 && contains(printed.err, " would overwrite ");
  };
  for (const char* csv : {"in/b.png", "maps/../in/b.png", "soft", "hard"}) {
    INFO(std::string(csv));
    CHECK(refuses({"--csv", csv, "in"}));
    CHECK(refuses({"--csv", csv, "--overlay", "new", "in/b.png"}));
  }
  CHECK(refuses({"--csv", "model", "in"}));
  CHECK(refuses({"--overlay", "in", "in"}));
  CHECK(refuses({"--overlay", "maps", "in"}));  // by its hard link, b's would go into a
}

TEST_CASE("a trace that would overwrite what a run reads is refused") {
  const TemporaryFolder folder;
  std::vector<FerplusFace> faces;
  for (int i = 0; i < 40; ++i) faces.push_back({i, i % 2 ? "10,0,0,0,0,0,0,0,0,0" : "0,10,0,0,0,0,0,0,0,0"});
  write_ferplus(folder / "set", "FER2013Train", faces);
  write_file(folder / "options.toml", "size = 32\nbatch = 8\nepochs = 1\n");
  fs::copy(minute_run().run, folder / "run");
  const auto check_trace = [&](const fs::path& trace, const Words& more) {
    INFO(trace.string());
    const std::string before = string_of(folder / trace);
    Words words{"train", "--trace", trace.string()};
    words.insert(words.end(), more.begin(), more.end());
    const Printed printed = printed_by(words, folder);
    CHECK(printed.status == 2);
    CHECK(contains(printed.err, "--trace would overwrite "));
    const bool unchanged = string_of(folder / trace) == before;
    CHECK(unchanged);
    CHECK(!fs::exists(folder / "new"));
  };
  const Words train{"--config", "options.toml", "--data", "set", "--out", "new"};
  check_trace("options.toml", train);
  check_trace("set/FER2013Train/label.csv", train);
  check_trace("set/FER2013Train/fer0000003.png", train);
  for (const char* name : {"last.safetensors", "best.safetensors", "config.toml", "metrics.jsonl"})
    check_trace(fs::path("run") / name, {"--resume", "--out", "run"});
}
