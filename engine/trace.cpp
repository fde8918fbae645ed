#include "engine/trace.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "engine/memory.h"

namespace fermion::engine {

Trace::Span::Span(Trace* trace, const std::string& label, const MemoryStatistics& memory)
    : trace_(trace), memory_(memory) {
  if (!trace_) return;
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
  return text + fmt::format("{:<32} {:>7} {:>11.2f}   peak {:.1f} MiB\n", "all", events_.size(), 1e3 * total,
                            static_cast<double>(peak) / (1 << 20));
}

void Trace::write_json(const std::string& path) const {
  nlohmann::json list = nlohmann::json::array();
  for (const Event& event : events_) {
    const std::string op = event.label.substr(event.label.rfind('/') + 1);
    list.push_back({{"name", event.label},
                    {"cat", op},
                    {"ph", "X"},
                    {"ts", 1e6 * event.start},
                    {"dur", 1e6 * event.seconds},
                    {"pid", 1},
                    {"tid", 1}});
    list.push_back({{"name", "bytes in use"},
                    {"ph", "C"},
                    {"ts", 1e6 * (event.start + event.seconds)},
                    {"pid", 1},
                    {"args", {{"bytes", event.bytes}}}});
  }
  std::ofstream file(path);
  file << nlohmann::json{{"traceEvents", list}}.dump() << '\n';
  file.close();
  if (!file) throw Error("cannot write the trace to '{}': check that the folder exists and has space", path);
}

}  // namespace fermion::engine
