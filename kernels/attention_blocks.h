// How the CPU's attention cuts its work, and the scratch memory of a piece.
//
// Scores are computed transposed: a block of 64 positions j by a panel of 64 positions i. The softmax then
// runs across vectors, its maxima and sums are vectors themselves, and phi and g are read where they lie.
#pragma once

#include <algorithm>

#include "kernels/attention.h"

namespace fermion::kernels {

constexpr std::int64_t attention_panel = 64, attention_block = 64;

// Rows padded to 16 floats need no tails on any instruction set. What lies in the padding is computed with
// and never read.
inline std::int64_t attention_padded(std::int64_t x) {
  return (x + 15) / 16 * 16;
}

// A panel of an image's positions i, the columns of the transposed blocks.
struct AttentionPanel {
  std::int64_t begin, count, columns;

  AttentionPanel(const Attention& dims, std::int64_t index)
      : begin(index * attention_panel),
        count(std::min(attention_panel, dims.positions - begin)),
        columns(attention_padded(count)) {}
};

// Where an image's theta, phi and g lie, `row` floats from one position to the next.
struct AttentionImage {
  const float *theta, *phi, *g;
  std::int64_t row;

  AttentionImage(const Attention& dims, const float* qkv, std::int64_t image)
      : theta(qkv + image * dims.positions * 3 * dims.d),
        phi(theta + dims.d),
        g(phi + dims.d),
        row(3 * dims.d) {}
};

// Of one thread. What ends in _t is [d, panel], scores [block, panel], maximum and sum [panel].
struct AttentionForwardScratch {
  float *theta_t, *o_t, *scores, *maximum, *sum;

  static std::int64_t floats(const Attention& dims) {
    return (2 * dims.d + attention_block + 2) * attention_panel;
  }
  AttentionForwardScratch(const Attention& dims, float* memory)
      : theta_t(memory),
        o_t(theta_t + dims.d * attention_panel),
        scores(o_t + dims.d * attention_panel),
        maximum(scores + attention_block * attention_panel),
        sum(maximum + attention_panel) {}
};

// theta, d_o: [panel, row], row being d padded; p, ds: [block, panel]; log_sum_exp (in base 2), D: [panel].
struct AttentionBackwardScratch {
  std::int64_t row;
  float *theta_t, *do_t, *dtheta_t, *theta, *d_o, *p, *ds, *log_sum_exp, *D;

  static std::int64_t floats(const Attention& dims) {
    return (3 * dims.d + 2 * attention_padded(dims.d) + 2 * attention_block + 2) * attention_panel;
  }
  AttentionBackwardScratch(const Attention& dims, float* memory)
      : row(attention_padded(dims.d)),
        theta_t(memory),
        do_t(theta_t + dims.d * attention_panel),
        dtheta_t(do_t + dims.d * attention_panel),
        theta(dtheta_t + dims.d * attention_panel),
        d_o(theta + row * attention_panel),
        p(d_o + row * attention_panel),
        ds(p + attention_block * attention_panel),
        log_sum_exp(ds + attention_block * attention_panel),
        D(log_sum_exp + attention_panel) {}
};

// dphi and dg [positions, row] summed over some of an image's panels.
struct AttentionSums {
  std::int64_t row;
  float *dphi, *dg;

  static std::int64_t floats(const Attention& dims) { return 2 * dims.positions * attention_padded(dims.d); }
  AttentionSums(const Attention& dims, float* memory, std::int64_t part)
      : row(attention_padded(dims.d)), dphi(memory + part * floats(dims)), dg(dphi + dims.positions * row) {}
};

}  // namespace fermion::kernels
