// The least that the launches of an op move and compute, by its shape alone. Bytes: every operand is read
// once and every result is written once, in its stored type; workspaces, and the numbers of a norm, one a
// channel, do not count. Flops are those of products; a multiply-add counts two.
#pragma once

#include "kernels/attention.h"
#include "kernels/conv2d.h"

namespace fermion::kernels {

struct Work {
  double activations = 0;  // numbers of the activations' type
  double other_bytes = 0;  // parameters and their gradients, f32
  double flops = 0;

  // `size`: of an activation, in bytes.
  double bytes(std::size_t size) const { return activations * static_cast<double>(size) + other_bytes; }
  Work& operator+=(const Work& w) {
    activations += w.activations, other_bytes += w.other_bytes, flops += w.flops;
    return *this;
  }
};

// Numbers of a convolution's tensors.
struct Conv2dSizes {
  explicit Conv2dSizes(const Conv2d& d)
      : pixels(static_cast<double>(d.K * d.N * d.H * d.W)),
        x(pixels * static_cast<double>(d.Ci())),
        y(static_cast<double>(d.K * d.N * d.Ho() * d.Wo() * d.Co)),
        weight(static_cast<double>(d.K * d.Co * d.kernel * d.kernel * d.Ci())),
        flops(2 * y * static_cast<double>(d.kernel * d.kernel * d.Ci())) {}

  double pixels, x, y, weight;
  double flops;  // forward; each gradient's too
};

inline Work conv2d_forward_work(const Conv2d& dims) {
  const Conv2dSizes n(dims);
  return {n.x + n.y, 4 * n.weight, n.flops};
}
// da becomes dy in place.
inline Work conv2d_dy_work(const Conv2d& dims) {
  return {3 * Conv2dSizes(dims).y};
}
inline Work conv2d_wgrad_work(const Conv2d& dims) {
  const Conv2dSizes n(dims);
  return {n.x + n.y, 4 * n.weight, n.flops};
}
// Of `channels` of the inputs, of which `read` are read for the ReLU's mask and x_hat, and `added` add to a
// gradient that is there.
inline Work conv2d_dgrad_work(const Conv2d& dims, std::int64_t channels, std::int64_t read,
                              std::int64_t added) {
  const Conv2dSizes n(dims);
  const double share = static_cast<double>(channels) / static_cast<double>(dims.Ci());
  return {n.y + n.pixels * static_cast<double>(channels + read + added), 4 * n.weight * share,
          n.flops * share};
}

// Attention by tiles of rows, each of which reads all columns; `tiles`: how often they are read, 1 at least.
inline Work attention_forward_work(const Attention& dims, double tiles = 1) {
  const auto rows = static_cast<double>(dims.N * dims.positions), d = static_cast<double>(dims.d);
  return {(2 + 2 * tiles) * rows * d, 4 * rows, 4 * rows * static_cast<double>(dims.positions) * d};
}
// By tiles of queries: theta, O, dO and log_sum_exp; phi and g of each tile; dtheta, and D with log_sum_exp.
// Three products.
inline Work attention_dtheta_work(const Attention& dims, double tiles = 1) {
  const auto rows = static_cast<double>(dims.N * dims.positions), d = static_cast<double>(dims.d);
  return {(4 + 2 * tiles) * rows * d, 4 * 3 * rows, 6 * rows * static_cast<double>(dims.positions) * d};
}
// By tiles of keys: theta, dO, D and log_sum_exp of each tile; phi, g; dphi, dg. Four products, of which two
// are made by queries too.
inline Work attention_dphi_dg_work(const Attention& dims, double tiles = 1) {
  const auto rows = static_cast<double>(dims.N * dims.positions), d = static_cast<double>(dims.d);
  return {(4 + 2 * tiles) * rows * d, 4 * 2 * tiles * rows,
          8 * rows * static_cast<double>(dims.positions) * d};
}

}  // namespace fermion::kernels
