#include "engine/trace.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "engine/memory.h"

namespace fermion::engine {
namespace {

constexpr std::size_t most_events = 1'000'000;  // some 150 MB

}  // namespace

Trace::Span::Span(Trace* trace, const std::string& label, const MemoryStatistics& memory)
    : trace_(trace), memory_(memory) {
  if (!trace_) return;
  if (trace_->events_.size() == most_events) {
    ++trace_->left_out_;
    trace_ = nullptr;
    return;
  }
  index_ = trace_->events_.size();
  trace_->events_.push_back({label, trace_->now(), 0, 0});
}

Trace::Span::~Span() {
  if (!trace_) return;
  Event& event = trace_->events_[index_];
  event.seconds = trace_->now() - event.start;
  event.bytes = memory_.in_use;
}

std::string Trace::table() const {
  struct Row {
    double seconds = 0;
    std::int64_t calls = 0;
  };
  std::map<std::string, Row> by_op;
  double total = 0;
  std::size_t peak = 0;
  for (const Event& event : events_) {
    Row& row = by_op[event.label.substr(event.label.rfind('/') + 1)];
    row.seconds += event.seconds;
    ++row.calls;
    total += event.seconds;
    peak = std::max(peak, event.bytes);
  }
  std::vector<std::pair<std::string, Row>> rows(by_op.begin(), by_op.end());
  std::sort(rows.begin(), rows.end(), [](auto& a, auto& b) { return a.second.seconds > b.second.seconds; });
  std::string text = fmt::format("{:<32} {:>7} {:>11} {:>7}\n", "op", "calls", "ms", "share");
  for (const auto& [op, row] : rows)
    text += fmt::format("{:<32} {:>7} {:>11.2f} {:>6.1f}%\n", op, row.calls, 1e3 * row.seconds,
                        100 * row.seconds / total);
  text += fmt::format("{:<32} {:>7} {:>11.2f}   peak {:.1f} MiB\n", "all", events_.size(), 1e3 * total,
                      static_cast<double>(peak) / (1 << 20));
  if (left_out_ > 0) text += fmt::format("{} later calls are left out\n", left_out_);
  return text;
}

void Trace::write_json(const std::string& path) const {
  std::ofstream file(path);
  file << "{\"traceEvents\": [";
  const char* separator = "\n";
  for (const Event& event : events_) {
    const std::string op = event.label.substr(event.label.rfind('/') + 1);
    const nlohmann::json call{
        {"name", event.label},        {"cat", op}, {"ph", "X"}, {"ts", 1e6 * event.start},
        {"dur", 1e6 * event.seconds}, {"pid", 1},  {"tid", 1}};
    const nlohmann::json memory{{"name", "bytes in use"},
                                {"ph", "C"},
                                {"ts", 1e6 * (event.start + event.seconds)},
                                {"pid", 1},
                                {"args", {{"bytes", event.bytes}}}};
    file << separator << call.dump() << ",\n" << memory.dump();
    separator = ",\n";
  }
  file << "\n]}\n";
  file.close();
  if (!file) throw Error("cannot write the trace to '{}': check that the folder exists and has space", path);
}

}  // namespace fermion::engine
