// Ctrl-C, kill -9 and full disks, done to the program itself.
#include <doctest/doctest.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include "kernels/rng.h"
#include "tests/training/program.h"
#include "tests/training/small_runs.h"

using namespace fermion;
using namespace fermion::fer;

namespace {

// The command line of small_config.
std::vector<std::string> train_arguments(const fs::path& out, const Assignments& changes = {}) {
  std::vector<std::string> arguments{"train", "--out", out.string()};
  Assignments assignments{"size=16",  "width=4",  "depth=1",  "grid=2",
                          "faces=96", "batch=16", "epochs=2", "threads=1"};
  assignments.insert(assignments.end(), changes.begin(), changes.end());
  for (const std::string& assignment : assignments) {
    arguments.push_back("--set");
    arguments.push_back(assignment);
  }
  return arguments;
}

std::vector<std::string> resume_arguments(const fs::path& out) {
  return {"train", "--resume", "--out", out.string()};
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void limit_file_size(rlim_t bytes) {
  const rlimit limit{bytes, bytes};
  ::setrlimit(RLIMIT_FSIZE, &limit);
}

}  // namespace

TEST_CASE("Ctrl-C saves and exits 130; the run goes on as if nothing had happened") {
  const TemporaryFolder folder;
  const fs::path run = folder / "run", never = folder / "never";
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    Program program(signal == SIGINT ? train_arguments(run, {"epochs=2000"}) : resume_arguments(run),
                    folder / "log");
    REQUIRE(Program::until([&] { return contains(program.output(), "images/s"); }));
    program.signal(signal);
    CHECK(program.wait() == 130);
    const std::int64_t step = info_of(run / "last.safetensors").step;
    CHECK(contains(program.output(), fmt::format("stopped after step {}", step)));
    CHECK(contains(program.output(), "fer train --resume --out " + run.string()));
  }
  const std::int64_t end = info_of(run / "last.safetensors").step + 9;
  CHECK(resume(run, end) == 130);
  const TrainConfig config = info_of(run / "last.safetensors").config;
  train(never, config, end);
  CHECK(difference(never, run) == "");
}

TEST_CASE("the second Ctrl-C ends the program within a step") {
  const TemporaryFolder folder;
  // Steps that take seconds.
  Program program(
      train_arguments(folder / "run", {"size=64", "width=16", "depth=3", "faces=128", "batch=128"}),
      folder / "log");
  REQUIRE(Program::until([&] { return contains(program.output(), "faces to train on"); }));
  program.signal(SIGINT);
  REQUIRE(Program::until([&] { return contains(program.output(), "Ctrl-C again stops at once"); }));
  program.signal(SIGINT);
  CHECK(program.wait() == 130);
  CHECK(!contains(program.output(), "stopped after step"));
  CHECK(info_of(folder / "run" / "last.safetensors").step == 0);
}

TEST_CASE("Ctrl-C while the best epoch is measured says how to go on") {
  const TemporaryFolder folder;
  const fs::path run = folder / "run";
  Program program(train_arguments(run, {"epochs=1", "faces=4000", "batch=1000"}), folder / "log");
  REQUIRE(Program::until([&] { return contains(program.output(), "measuring the best epoch"); }));
  program.signal(SIGINT);
  CHECK(program.wait() == 130);
  CHECK(contains(program.output(), "fer train --resume --out " + run.string()));
  CHECK(resume(run, -1) == 0);
}

TEST_CASE("a terminal that is closed stops the run as Ctrl-C does, though nothing can be printed any more") {
  const TemporaryFolder folder;
  const fs::path run = folder / "run";
  int terminal = ::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
  REQUIRE(terminal >= 0);
  REQUIRE(::grantpt(terminal) == 0);
  REQUIRE(::unlockpt(terminal) == 0);
  const std::string name = ::ptsname(terminal);
  Program program(train_arguments(run, {"epochs=100000"}), folder / "log", [&] {
    ::close(terminal);
    ::setsid();
    const int own = ::open(name.c_str(), O_RDWR);
    if (::ioctl(own, TIOCSCTTY, 0) < 0 || ::dup2(own, STDERR_FILENO) < 0) ::_exit(126);
  });
  std::string shown;
  CHECK(Program::until([&] {
    char text[4096];
    for (ssize_t size; (size = ::read(terminal, text, sizeof text)) > 0;)
      shown.append(text, static_cast<std::size_t>(size));
    return contains(shown, "images/s");
  }));
  ::close(terminal);
  CHECK(program.wait() == 130);
  const std::int64_t step = info_of(run / "last.safetensors").step;
  CHECK(step > 0);
  CHECK(resume(run, step + 1) == 130);
}

TEST_CASE("what is hung up twice is saved all the same") {
  const TemporaryFolder folder;
  const fs::path run = folder / "run";
  Program program(train_arguments(run, {"epochs=100000", "size=64", "batch=96", "width=16"}), folder / "log");
  REQUIRE(Program::until([&] { return contains(program.output(), "images/s"); }));
  program.signal(SIGHUP);  // from the terminal
  REQUIRE(Program::until([&] { return contains(program.output(), "stopping after this step"); }));
  program.signal(SIGHUP);  // and from its shell
  CHECK(program.wait() == 130);
  CHECK(contains(program.output(), "stopped after step"));
}

TEST_CASE("Ctrl-C while the faces are drawn ends at once and leaves nothing") {
  const TemporaryFolder folder;
  Program program(train_arguments(folder / "run", {"faces=1000000"}), folder / "log");
  REQUIRE(Program::until([&] { return contains(program.output(), "drawing 1000000 faces"); }));
  program.signal(SIGINT);
  CHECK(program.wait() == 130);
  CHECK(!fs::exists(folder / "run"));
}

TEST_CASE("kill -9 at any moment, saving included, costs time but no bits") {
  const TemporaryFolder folder;
  const fs::path run = folder / "run", never = folder / "never";
  const Assignments changes{"epochs=40", "faces=32"};  // two steps an epoch: mostly saving
  Program straight(train_arguments(never, changes), folder / "log");
  REQUIRE(straight.wait() == 0);
  const kernels::Random random{5, 0, 0};
  int kills = 0, status = -1;
  for (std::uint64_t round = 0; status != 0 && round < 200; ++round) {
    Program program(
        fs::exists(run / "last.safetensors") ? resume_arguments(run) : train_arguments(run, changes),
        folder / "log");
    // From the time that a program needs to get going.
    ::usleep(static_cast<useconds_t>((100 + 20 * round) * 1000 * (0.5 + random.uniform(round))));
    program.signal(SIGKILL);
    status = program.wait();
    REQUIRE_MESSAGE((status == 0 || status == -SIGKILL), program.output());
    kills += status == -SIGKILL;
    if (!fs::exists(run / "last.safetensors")) fs::remove_all(run);
  }
  CHECK(status == 0);
  CHECK(kills >= 3);
  CHECK(difference(never, run) == "");
}

TEST_CASE("a disk that fills up while saving leaves the old checkpoint, and one sentence") {
  const TemporaryFolder folder;
  const fs::path run = folder / "run", last = run / "last.safetensors";
  train(run, small_config(), 8);
  const std::string before = text_of(last);
  Program program(resume_arguments(run), folder / "log", [&] { limit_file_size(before.size() / 2); });
  CHECK(program.wait() == 1);
  CHECK(
      contains(program.output(), fmt::format("fer: {} cannot be written: File too large; once it can, go on "
                                             "with: fer train --resume --out {}\n",
                                             last.string(), run.string())));
  CHECK(text_of(last) == before);
  // With space again it goes on.
  train(folder / "never", small_config());
  CHECK(resume(run) == 130);
  CHECK(difference(folder / "never", run) == "");
}

TEST_CASE("a disk that is too small is known before the first step, and nothing is left of the run") {
  const TemporaryFolder folder;
  Program program(train_arguments(folder / "run"), folder / "log", [] { limit_file_size(4096); });
  CHECK(program.wait() == 1);
  CHECK(contains(program.output(), "last.safetensors cannot be written: File too large"));
  CHECK(!contains(program.output(), "epoch"));
  CHECK(!fs::exists(folder / "run"));
}

TEST_CASE("a folder that cannot be written keeps its checkpoint") {
  const TemporaryFolder folder;
  const fs::path run = folder / "run", last = run / "last.safetensors";
  train(run, small_config(), 8);
  const std::string before = text_of(last);
  // Permissions do not stop root; a folder in the place of the temporary file does.
  fs::create_directory(run / "last.safetensors.tmp");
  Program program(resume_arguments(run), folder / "log");
  CHECK(program.wait() == 1);
  CHECK(contains(program.output(), last.string() + " cannot be written"));
  CHECK(text_of(last) == before);
}

TEST_CASE("a place where no folder can be made is an error") {
  const TemporaryFolder folder;
  write_file(folder / "file", "");
  Program program(train_arguments(folder / "file" / "run"), folder / "log");
  CHECK(program.wait() == 1);
  CHECK(contains(program.output(), "cannot make the folder '" + (folder / "file" / "run").string()));
}
