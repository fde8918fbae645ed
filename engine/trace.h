// Times of every kernel call: a table by op and a timeline that Perfetto opens (Chrome's trace event format).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace fermion::engine {

struct MemoryStatistics;

class Trace {
 public:
  struct Event {
    std::string label;  // "module.path/op"
    double start = 0;   // seconds since the trace began
    double seconds = 0;
    std::size_t bytes = 0;  // in use when the call ended
  };

  // Records the time between its construction and destruction, or nothing while the trace is off.
  class Span {
   public:
    Span(Trace* trace, const std::string& label, const MemoryStatistics& memory);
    ~Span();
    Span(const Span&) = delete;

   private:
    Trace* trace_;
    const MemoryStatistics& memory_;
    std::size_t index_ = 0;
  };

  void enable() { enabled_ = true; }
  void clear() { events_.clear(), left_out_ = 0; }
  bool enabled() const { return enabled_; }
  // At most a million; the calls that follow are only counted.
  const std::vector<Event>& events() const { return events_; }
  Span span(const std::string& label, const MemoryStatistics& memory) {
    return Span(enabled_ ? this : nullptr, label, memory);
  }

  // Time, share and calls per op, longest first, and the peak of the bytes.
  std::string table() const;
  // Throws when the file cannot be written.
  void write_json(const std::string& path) const;

 private:
  double now() const { return std::chrono::duration<double>(Clock::now() - begin_).count(); }

  using Clock = std::chrono::steady_clock;
  bool enabled_ = false;
  Clock::time_point begin_ = Clock::now();
  std::vector<Event> events_;
  std::int64_t left_out_ = 0;
};

}  // namespace fermion::engine
