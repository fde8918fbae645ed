#include "engine/atomic_file.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fstream>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/error.h"
#include "engine/safetensors.h"
#include "kernels/rng.h"
#include "tests/fer/temporary_folder.h"

using namespace fermion::engine;
using fermion::fer::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

// Where a damaged disk has flipped a bit of every file; -1: nowhere.
off_t damage = -1;

}  // namespace

// The C library's in this program: what a file reads back as.
extern "C" ssize_t pread(int file, void* bytes, size_t size, off_t at) {
  const ssize_t count = ::syscall(SYS_pread64, file, bytes, size, at);
  if (at <= damage && damage < at + count) static_cast<char*>(bytes)[damage - at] ^= 1;
  return count;
}

namespace {

// Four tensors of 64 KiB, filled with one byte.
SafeTensors filled(std::uint8_t byte) {
  SafeTensors contents;
  contents.metadata["fermion"] = R"({"epoch":)" + std::to_string(byte) + "}";
  for (const char* name : {"a", "b", "c", "d"})
    contents.tensors.push_back({name, DType::u8, {65536}, std::vector<std::uint8_t>(65536, byte)});
  return contents;
}

// The byte the file is filled with.
int byte_of(const fs::path& path) {
  const SafeTensors read = read_safetensors(path);
  const std::uint8_t byte = read.tensors.at(0).bytes.at(0);
  CHECK(read.verified);
  CHECK(read.tensors == filled(byte).tensors);
  return byte;
}

// Runs `action` in a child process and returns what it wrote to the pipe: the error's text, or "saved".
template <class Action>
std::string in_child(const Action& action) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  std::fflush(nullptr);  // else the child prints it too
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::string text = "saved";
    try {
      action();
    } catch (const std::exception& error) {
      text = error.what();
    }
    ::_exit(::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  ::close(ends[1]);
  std::string text(4096, '\0');
  const ssize_t count = ::read(ends[0], text.data(), text.size());
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFEXITED(status));
  text.resize(static_cast<std::size_t>(count));
  return text;
}

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::size_t files_in(const TemporaryFolder& folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("parts follow one another") {
  const TemporaryFolder folder;
  const fs::path path = folder / "x";
  replace_file(path, {"old and longer than the new one"});
  replace_file(path, {"one ", "", "two"});
  CHECK(text_of(path) == "one two");
  CHECK(files_in(folder) == 1);
}

TEST_CASE("a name without a folder is written to the current one") {
  const TemporaryFolder folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  CHECK_NOTHROW(replace_file("x", {"text"}));
  fs::current_path(before);
  CHECK(fs::file_size(folder / "x") == 4);
}

TEST_CASE("a disk that fills up leaves the old file and no rest") {
  const TemporaryFolder folder;
  const fs::path path = folder / "last.safetensors";
  write_safetensors(path, filled(1));
  const std::string error = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100000, 100000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    write_safetensors(path, filled(2));
  });
  CHECK(error == path.string() + " cannot be written: File too large");
  CHECK(byte_of(path) == 1);
  CHECK(files_in(folder) == 1);
}

TEST_CASE("what reads back differently is noticed, wherever that is, and leaves the old file and no rest") {
  const TemporaryFolder folder;
  const fs::path path = folder / "x";
  replace_file(path, {"old"});
  // Three of the blocks that are read back.
  const std::string large(3 << 20, 'n');
  for (const off_t at : {off_t{0}, off_t{1} << 20, off_t{3 << 20} + 2}) {
    damage = at;
    CHECK_THROWS_WITH_AS(
        replace_file(path, {large, "end"}),
        (path.string() +
         " cannot be written: what was written reads back differently; the disk may be damaged")
            .c_str(),
        Error);
    damage = -1;
    const bool unchanged = text_of(path) == "old";
    CHECK(unchanged);
    CHECK(files_in(folder) == 1);
  }
  CHECK_NOTHROW(replace_file(path, {large, "end"}));
}

TEST_CASE("a missing folder is an error") {
  const TemporaryFolder folder;
  const fs::path path = folder / "none" / "x";
  CHECK_THROWS_WITH_AS(replace_file(path, {"text"}),
                       (path.string() + " cannot be written: No such file or directory").c_str(), Error);
}

TEST_CASE("a folder in the way is an error and stays") {
  const TemporaryFolder folder;
  fs::create_directory(folder / "x");
  CHECK_THROWS_AS(replace_file(folder / "x", {"text"}), Error);
  CHECK(fs::is_directory(folder / "x"));
  CHECK(files_in(folder) == 1);
}

TEST_CASE("a symbolic link stays, and what it points to is replaced") {
  const TemporaryFolder folder;
  fs::create_directory(folder / "below");
  fs::create_symlink("below/file", folder / "link");
  fs::create_symlink(folder / "link", folder / "second");
  for (const char* text : {"new", "newer"}) {  // at first the links dangle
    replace_file(folder / "second", {text});
    CHECK(fs::is_symlink(folder / "second"));
    CHECK(fs::is_symlink(folder / "link"));
    CHECK(text_of(folder / "below" / "file") == text);
  }
  CHECK(files_in(folder) == 3);
  fs::create_symlink("circle", folder / "circle");
  CHECK_THROWS_AS(replace_file(folder / "circle", {"text"}), Error);
  CHECK(fs::is_symlink(folder / "circle"));
}

TEST_CASE("what is stdout or stderr is written to, after what was printed") {
  const TemporaryFolder folder;
  for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
    const fs::path path = folder / "out", link = folder / "link";
    fs::create_symlink("/proc/self/fd/" + std::to_string(stream), link);
    CHECK(in_child([&] {
            const int file = ::open(path.c_str(), O_WRONLY | O_CREAT, 0666);
            ::dup2(file, stream);
            std::fputs("printed ", stream == STDOUT_FILENO ? stdout : stderr);
            replace_file(link, {"one ", "two "});
            replace_file(path, {"three"});
          }) == "saved");
    CHECK(text_of(path) == "printed one two three");
    CHECK(fs::is_symlink(link));
    CHECK(files_in(folder) == 2);
    fs::remove(path);
    fs::remove(link);
  }
}

TEST_CASE("a FIFO is written to and stays") {
  const TemporaryFolder folder;
  const fs::path fifo = folder / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  const int reader = ::open(fifo.c_str(), O_RDONLY | O_NONBLOCK);
  REQUIRE(reader >= 0);
  replace_file(fifo, {"one ", "two"});
  char text[16];
  const ssize_t count = ::read(reader, text, sizeof text);
  ::close(reader);
  CHECK(std::string(text, count > 0 ? count : 0) == "one two");
  CHECK(fs::is_fifo(fifo));
  CHECK(files_in(folder) == 1);
}

TEST_CASE("what stands in the temporary file's place and is none is an error and stays") {
  const TemporaryFolder folder;
  const fs::path path = folder / "x", temporary = folder / "x.tmp";
  fs::create_symlink("y", temporary);
  CHECK_THROWS_WITH_AS(
      replace_file(path, {"text"}),
      (path.string() + " cannot be written: " + temporary.string() + " is in the way").c_str(), Error);
  CHECK(fs::is_symlink(temporary));
  CHECK(!fs::exists(path));
}

TEST_CASE("a kill at any moment leaves the old file or the new one") {
  const TemporaryFolder folder;
  const fs::path path = folder / "last.safetensors";
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  for (int i = 0; i < 5; ++i) write_safetensors(path, filled(0));
  // Kills fall within the first few saves, however slow the disk is.
  const double few_saves = std::chrono::duration<double, std::micro>(Clock::now() - start).count();
  const fermion::kernels::Random random{11, 0, 0};
  int changes = 0, last = 0, rests = 0;
  for (std::uint64_t round = 0; round < 60; ++round) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      for (int i = 0;; ++i) write_safetensors(path, filled(static_cast<std::uint8_t>(i)));
    }
    ::usleep(static_cast<useconds_t>(500 + random.uniform(round) * few_saves));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const int now = byte_of(path);
    changes += now != last;
    last = now;
    rests += fs::exists(folder / "last.safetensors.tmp");
  }
  // The test means something only if saves were finished and saves were cut off.
  CHECK(changes > 5);
  CHECK(rests > 5);
  write_safetensors(path, filled(77));
  CHECK(byte_of(path) == 77);
  CHECK(files_in(folder) == 1);
}
