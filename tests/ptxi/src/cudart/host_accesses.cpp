// Who touches or frees memory of the host while late work needs it.

#include "cudart/work.h"
#include "memory.h"
#include "report.h"

namespace ptxi {

using std::string;

void host_touched(u64 addr, bool write) {
  for (const auto& [number, w] : g_pending)
    for (const HostRange& r : w->watched)
      if (overlap(r, addr, 1) && (write || r.written)) {
        const string where = current_code();
        report_warning("host touched " + where + std::to_string(number),
                       string("host code ") + (write ? "writes" : "reads") + " at " + where + " to " +
                           mem_describe(addr) + ", which " + text(*w) + needs_text(r));
        return;
      }
}

void host_memory_freed(u64 base, u64 size) {
  if (!is_watched(base, size)) return;
  std::vector<WorkRef> needing;
  for (const auto& [number, w] : g_pending)
    for (const HostRange& r : host_ranges(w->node))
      if (overlap(r, base, size)) needing.push_back(w);
  for (const WorkRef& w : needing) {
    report_warning("freed " + std::to_string(w->number),
                   text(current_call()) + " frees memory that work in a stream still needs: " +
                       mem_describe(base) + ", for " + text(*w));
    run_until_done(w);
  }
  host_goes_on();
}

void host_memory_gone(u64 addr) {
  const string what = "host memory was freed before work in a stream that needs it was done: ";
  const Work* now = work_being_done();
  std::vector<const Work*> works;  // what is being done, or what comes later, whose bytes are looked at
  if (now) works.push_back(now);
  for (const auto& [number, w] : g_pending) works.push_back(w.get());
  for (const Work* w : works)
    for (const HostRange& r : host_ranges(w->node))
      if (overlap(r, addr, 1)) return report_error(what + text(r) + ", which " + text(*w) + needs_text(r));
  if (now && now->node.kind == N_KERNEL && is_host(addr) && mem_find(addr))
    report_error(what + mem_describe(addr) + ", which " + text(*now) + " uses");
}

}  // namespace ptxi
