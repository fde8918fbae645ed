#include "fer/shell_quoted.h"

#include <doctest/doctest.h>

#include "fer/checkpoint.h"
#include "tests/fer/generated_sets.h"
#include "tests/fer/temporary_folder.h"
#include "tests/training/program.h"

using namespace fermion::fer;
namespace fs = std::filesystem;

namespace {

// The words that a shell makes of the text, each in angle brackets.
std::string shell_says(const std::string& text) {
  std::FILE* shell = ::popen(("printf '<%s>' " + text).c_str(), "r");
  REQUIRE(shell);
  std::string said(4096, '\0');
  said.resize(std::fread(said.data(), 1, said.size(), shell));
  CHECK(::pclose(shell) == 0);
  return said;
}

}  // namespace

TEST_CASE("a shell reads quoted words back") {
  for (const char* word : {"plain", "--set", "lr=2e-3", "a b", "", "it's", "''", "$HOME", "`x`", "a\"b", "*",
                           "~", "a;b", "a\\b", "a\nb", "(x)", "#", "!!", "é"}) {
    CAPTURE(word);
    CHECK(shell_says(shell_quoted(word)) == fmt::format("<{}>", word));
  }
  CHECK(shell_quoted("runs/first") == "runs/first");
  CHECK(shell_quoted("--data=my faces") == "'--data=my faces'");
}

TEST_CASE("the command that a run keeps can be pasted, and so can the one that goes on with it") {
  const TemporaryFolder folder;
  const fs::path run = folder / "it's a run";
  const std::vector<std::string> words{"train",      "--set", "size=32",  "--set", "faces=64",  "--set",
                                       "epochs=500", "--set", "batch=16", "--out", run.string()};
  Program program(words, folder / "log");
  const fs::path last = run / "last.safetensors";
  CHECK(Program::until([&] { return fs::exists(run / "metrics.jsonl"); }));
  program.signal(SIGINT);
  CHECK(program.wait() == 130);
  const std::string command = checkpoint_info(fermion::engine::read_safetensors(last), last).command;
  std::string expected = "<fer>";
  for (const std::string& word : words) expected += "<" + word + ">";
  CHECK(shell_says(command) == expected);
  CHECK(contains(program.output(), "go on with: fer train --resume --out " + shell_quoted(run.string())));
}
