#include "fer/progress.h"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
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

Progress::Progress(std::string what, std::int64_t total)
    : what_(std::move(what)),
      total_(std::max<std::int64_t>(total, 1)),
      terminal_(isatty(STDERR_FILENO) != 0) {}

Progress::~Progress() {
  if (drawn_ && terminal_) std::fputc('\n', stderr);
}

void Progress::show(std::int64_t done, const std::string& details) {
  constexpr int width = 24;
  const Clock::time_point now = Clock::now();
  const std::chrono::milliseconds pause(terminal_ ? 100 : 15'000);
  if (drawn_ && done < total_ && now - last_ < pause) return;
  last_ = now;
  const auto filled = static_cast<std::size_t>(width * done / total_);
  const std::string bar = std::string(filled, '#') + std::string(width - filled, '.');
  // \033[K clears what a longer line left.
  if (terminal_)
    fmt::print(stderr, "\r{} [{}] {}\033[K", what_, bar, details);
  else
    fmt::print(stderr, "{} {:3}% {}\n", what_, 100 * done / total_, details);
  std::fflush(stderr);
  drawn_ = true;
}

}  // namespace fermion::fer
