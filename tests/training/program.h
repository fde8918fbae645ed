// Runs the program that was built beside this test, as a user's shell would.
#pragma once

#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "fer/files.h"

namespace fermion::fer {

class Program {
 public:
  // Starts `fer` with `arguments`; what it prints goes to the file `log`. `prepare` runs in the child first.
  Program(std::vector<std::string> arguments, const std::filesystem::path& log,
          const std::function<void()>& prepare = {})
      : log_(log) {
    const std::filesystem::path test = std::filesystem::read_symlink("/proc/self/exe");
    std::string program = (test.parent_path() / "../../bin/fer").string();
    REQUIRE_MESSAGE(std::filesystem::exists(program), program << " is not built; `make build` does that");
    arguments.insert(arguments.begin(), "fer");
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    write_file(log_, "");
    child_ = ::fork();
    REQUIRE(child_ >= 0);
    if (child_ > 0) return;
    // Not freopen, which would write what this test's own stdout still holds, once more.
    const int file = ::open(log_.c_str(), O_WRONLY | O_TRUNC);
    if (::dup2(file, STDOUT_FILENO) < 0 || ::dup2(file, STDERR_FILENO) < 0) ::_exit(126);
    // Under nohup, or as a job in the background, this test ignores signals that the program must see.
    for (int number : {SIGHUP, SIGINT, SIGQUIT}) ::signal(number, SIG_DFL);
    if (prepare) prepare();
    ::execv(program.c_str(), argv.data());
    ::_exit(127);
  }
  ~Program() {
    if (child_ > 0) ::kill(child_, SIGKILL), wait();
  }
  Program(const Program&) = delete;

  void signal(int number) { ::kill(child_, number); }

  // The exit status, or minus the signal that ended the program.
  int wait() {
    int status = 0;
    ::waitpid(std::exchange(child_, 0), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  // Waits until the condition holds, at most a minute. Not when the program has ended: that is for wait().
  static bool until(const std::function<bool()>& condition) {
    for (int i = 0; i < 6000 && !condition(); ++i) ::usleep(10'000);
    return condition();
  }

  std::string output() const {
    const std::vector<std::uint8_t> bytes = read_file(log_);
    return {bytes.begin(), bytes.end()};
  }

 private:
  std::filesystem::path log_;
  pid_t child_;
};

}  // namespace fermion::fer
