#include "fer/progress.h"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace fermion::fer {

std::string duration_text(double seconds) {
  const auto s = static_cast<std::int64_t>(seconds + 0.5);
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{} min {:02} s", s / 60, s % 60);
  return fmt::format("{} h {:02} min", s / 3600, s % 3600 / 60);
}

std::string bytes_text(double bytes) {
  if (bytes < 1 << 20) return fmt::format("{:.0f} KiB", bytes / 1024);
  if (bytes < 1 << 30) return fmt::format("{:.0f} MiB", bytes / (1 << 20));
  return fmt::format("{:.2f} GiB", bytes / (1 << 30));
}

namespace {

// A terminal may have been closed; the work goes on.
void print(const std::string& text) {
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
}

// One less than there are: a line that fills the last column may wrap.
int terminal_columns() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 2) return 79;
  return size.ws_col - 1;
}

}  // namespace

Progress::Progress(std::string what, std::int64_t total)
    : what_(std::move(what)),
      total_(std::max<std::int64_t>(total, 1)),
      terminal_(isatty(STDERR_FILENO) != 0),
      due_(Clock::now() + pause()) {}

std::chrono::milliseconds Progress::pause() const {
  return std::chrono::milliseconds(terminal_ ? 100 : 15'000);
}

Progress::~Progress() {
  clear();
}

void Progress::clear() {
  if (bar_) print("\r\033[K");
  bar_ = false;
}

void Progress::say(const std::string& line) {
  clear();
  print(line + "\n");
}

void Progress::show(std::int64_t done, const std::string& details) {
  constexpr int width = 24;
  if (Clock::now() < due_) return;
  due_ = Clock::now() + pause();
  const auto filled = static_cast<std::size_t>(width * done / total_);
  const std::string bar = std::string(filled, '#') + std::string(width - filled, '.');
  if (!terminal_) {
    print(fmt::format("{} {:3}% {}\n", what_, 100 * done / total_, details));
    return;
  }
  // \033[K clears what a longer line left.
  const std::string line = fmt::format("{} [{}] {}", what_, bar, details);
  print(fmt::format("\r{:.{}}\033[K", line, terminal_columns()));
  bar_ = true;
}

}  // namespace fermion::fer
