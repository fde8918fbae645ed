// Streams and their capture.
#pragma once

#include <set>

#include "cudart/runtime.h"

namespace ptxi {

extern unsigned long long g_ids;             // the last one given to a stream or a capture
extern Stream& g_legacy;                     // the default stream
extern std::set<Stream*>& g_thread_streams;  // the default streams of threads
extern std::set<Stream*>& g_streams;         // the others
extern std::set<CaptureState*>& g_captures;  // those under way

// The capture fails with `e`, which is returned.
cudaError_t invalidate(CaptureState* c, cudaError_t e);
void end_capture(CaptureState* c);

}  // namespace ptxi
