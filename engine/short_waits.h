// How long OpenMP's threads wait for each other before they sleep.
#pragma once

namespace fermion::engine {

// For the first line of main(): starts the program again with GOMP_SPINCOUNT set, unless the user has chosen
// GOMP_SPINCOUNT or OMP_WAIT_POLICY. By default a thread of libgomp that reaches a barrier first spins for
// many milliseconds. Where other programs run too, the thread that it waits for is often the one that it
// keeps from running: a training step then takes up to twice as long. libgomp reads its environment when it
// is loaded, which is before main().
void restart_with_short_waits(char** argv);

}  // namespace fermion::engine
