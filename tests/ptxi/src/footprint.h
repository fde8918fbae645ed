// Which bytes of global memory a launch reads and writes, as the race check sees them.
#pragma once

#include <vector>

#include "types.h"

namespace ptxi {

struct Span {
  u64 begin, end;
};
using Spans = std::vector<Span>;
enum Touch { READS, WRITES, STRONG_READS, STRONG_WRITES };  // strong ones do not race with each other
struct Footprint {
  Spans spans[4];  // by Touch
};
extern Footprint* g_footprint;  // of the running launch; null: nobody wants to know

void add_span(Spans& spans, u64 begin, u64 end);
void put_in_order(Spans& spans);  // sorted, without overlaps

}  // namespace ptxi
