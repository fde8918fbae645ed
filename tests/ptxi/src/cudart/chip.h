// The devices that PTXI_CC names, from NVIDIA's datasheets and the table of the CUDA programming guide.
#pragma once

#include "options.h"

namespace ptxi {

struct Chip {
  int cc;
  const char* like;
  int multiprocessors;
  int threads, blocks;      // of a multiprocessor, at most
  int shared, reserved;     // bytes of shared memory of a multiprocessor; of these taken by a block
  int l2;                   // MiB
  int bus;                  // bits
  int clock, memory_clock;  // kHz
  int f32_for_f64;          // FMAs in f32 for one in f64
};

inline const Chip& chip() {
  static constexpr Chip chips[] = {
      {75, "T4", 40, 1024, 16, 65536, 0, 4, 256, 1590000, 5001000, 32},
      {80, "A100", 108, 2048, 32, 167936, 1024, 40, 5120, 1410000, 1215000, 2},
      {89, "RTX 4090", 128, 1536, 24, 102400, 1024, 72, 384, 2520000, 10501000, 64},
      {90, "H100", 132, 2048, 32, 233472, 1024, 50, 5120, 1980000, 2619000, 2},
  };
  for (const Chip& chip : chips)
    if (chip.cc == options().cc) return chip;
  __builtin_unreachable();
}

}  // namespace ptxi
