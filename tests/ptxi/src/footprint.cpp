#include "footprint.h"

#include <algorithm>

namespace ptxi {

Footprint* g_footprint = nullptr;

void add_span(Spans& spans, u64 begin, u64 end) {
  if (!spans.empty() && spans.back().end == begin)
    spans.back().end = end;
  else
    spans.push_back({begin, end});
}

void put_in_order(Spans& spans) {
  std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) { return a.begin < b.begin; });
  Spans merged;
  for (const Span& s : spans)
    if (!merged.empty() && s.begin <= merged.back().end)
      merged.back().end = std::max(merged.back().end, s.end);
    else
      merged.push_back(s);
  spans = merged;
}

}  // namespace ptxi
