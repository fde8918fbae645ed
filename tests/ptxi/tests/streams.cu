// Late streams: planted bugs, one per name, which must be reported or give a wrong result, and legal programs
// (ok_...), which must do neither.
#include "streams/ends.h"
#include "streams/exits.h"
#include "streams/host_functions.h"
#include "streams/host_threads.h"
#include "streams/many.h"
#include "streams/order.h"
#include "streams/pageable_memory.h"
#include "streams/pinned_memory.h"
#include "streams/pools.h"
#include "streams/resets.h"
#include "streams/stream_races.h"

int main(int, char** argv) {
  g_name = argv[1];
  setup();
  waits();
  default_stream();
  thread_streams();
  graphs();
  graphs_in_graphs();
  stream_races();
  ends();
  exits();
  resets();
  queries();
  pools();
  wrong_frees();
  frees_by_host();
  pinned_reads();
  own_handlers();
  pinned_writes();
  pinned_frees();
  freed_before_work();
  legal_pinned();
  host_functions();
  host_after_functions();
  host_threads();
  pageable_memory();
  much_work();
  return exit_status();
}
