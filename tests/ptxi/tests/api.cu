// The runtime API and its error codes; graphs.cu has capture and graphs.
#include "api/device.h"
#include "api/memory.h"
#include "api/streams.h"

int main() {
  copies();
  too_much();
  sizes();
  rows();
  null_arguments();
  host_memory();
  managed_memory();
  managed_hints();
  symbols();
  pools();
  events();
  streams();
  properties();
  occupancy();
  padding();
  launches();
  faults();
  reset();
  return finish();
}
