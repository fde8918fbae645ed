#include "kernels/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <omp.h>

#include "kernels/accumulate.h"
#include "kernels/attention_blocks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/exp-inl.h"
#include "kernels/gemm_tile-inl.h"
#include "kernels/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fermion::kernels::HWY_NAMESPACE {
namespace {

constexpr std::int64_t panel_row = attention_panel;
constexpr float log2_e = std::numbers::log2e_v<float>, ln_2 = std::numbers::ln2_v<float>;

float score_scale(const Attention& dims) {
  return 1 / std::sqrt(static_cast<float>(dims.d));
}

// Scores of a block, in base 2, to exp2(score - maximum); brings maximum and sum, and what o_t holds from the
// blocks before, up to date.
void online_softmax(const Attention& dims, std::int64_t columns, std::int64_t positions, bool first,
                    const AttentionForwardScratch& s) {
  const GemmTag t;
  for (std::int64_t i = 0; i < columns; i += hn::Lanes(t)) {
    float* scores = s.scores + i;
    const auto before = hn::LoadU(t, s.maximum + i);
    auto even = before, odd = before;  // two chains hide the latency
    for (std::int64_t j = 0; j + 1 < positions; j += 2) {
      even = hn::Max(even, hn::LoadU(t, scores + j * panel_row));
      odd = hn::Max(odd, hn::LoadU(t, scores + (j + 1) * panel_row));
    }
    even = hn::Max(even, hn::LoadU(t, scores + (positions - 1) * panel_row));
    const auto maximum = hn::Max(even, odd);
    auto sum = hn::Zero(t);
    for (std::int64_t j = 0; j < positions; ++j) {
      const auto p = exp2(t, hn::Sub(hn::LoadU(t, scores + j * panel_row), maximum));
      hn::StoreU(p, t, scores + j * panel_row);
      sum = hn::Add(sum, p);
    }
    hn::StoreU(maximum, t, s.maximum + i);
    if (!first) {
      const auto decay = exp2(t, hn::Sub(before, maximum));
      sum = hn::MulAdd(hn::LoadU(t, s.sum + i), decay, sum);
      for (float* o = s.o_t + i; o < s.o_t + dims.d * panel_row; o += panel_row)
        hn::StoreU(hn::Mul(hn::LoadU(t, o), decay), t, o);
    }
    hn::StoreU(sum, t, s.sum + i);
  }
}

// o_t / sum, transposed.
void store_rows(const Attention& dims, const AttentionPanel& panel, const AttentionForwardScratch& s,
                float* o) {
  const GemmTag t;
  for (std::int64_t i = 0; i < panel.columns; i += hn::Lanes(t)) {
    const auto inverse = hn::Div(hn::Set(t, 1.0f), hn::LoadU(t, s.sum + i));
    for (float* at = s.o_t + i; at < s.o_t + dims.d * panel_row; at += panel_row)
      hn::StoreU(hn::Mul(hn::LoadU(t, at), inverse), t, at);
  }
  transpose(dims.d, panel.count, {s.o_t, panel_row}, {o, dims.d}, 1.0f);
}

// p (scores in base 2) and ds (dP) of a block to P and P (dP - D).
void score_gradients(std::int64_t columns, std::int64_t positions, const AttentionBackwardScratch& s) {
  const GemmTag t;
  for (std::int64_t i = 0; i < columns; i += hn::Lanes(t)) {
    const auto log_sum_exp = hn::LoadU(t, s.log_sum_exp + i), D = hn::LoadU(t, s.D + i);
    for (std::int64_t at = i; at < i + positions * panel_row; at += panel_row) {
      const auto p = exp2(t, hn::Sub(hn::LoadU(t, s.p + at), log_sum_exp));
      hn::StoreU(p, t, s.p + at);
      hn::StoreU(hn::Mul(p, hn::Sub(hn::LoadU(t, s.ds + at), D)), t, s.ds + at);
    }
  }
}

}  // namespace

// Rows of O and log_sum_exp of a panel.
void AttentionForward(const Attention& dims, const AttentionPanel& panel, const AttentionImage& x, float* o,
                      float* log_sum_exp, const AttentionForwardScratch& s) {
  transpose(panel.count, dims.d, {x.theta + panel.begin * x.row, x.row}, {s.theta_t, panel_row},
            log2_e * score_scale(dims));
  std::fill_n(s.maximum, panel.columns, -std::numeric_limits<float>::infinity());
  for (std::int64_t j = 0; j < dims.positions; j += attention_block) {
    const std::int64_t positions = std::min(attention_block, dims.positions - j);
    const float *phi = x.phi + j * x.row, *g = x.g + j * x.row;
    multiply(positions, panel.columns, dims.d, {phi, x.row, 1}, {s.theta_t, panel_row}, {s.scores, panel_row},
             Write::overwrite);
    online_softmax(dims, panel.columns, positions, j == 0, s);
    multiply(dims.d, panel.columns, positions, {g, 1, x.row}, {s.scores, panel_row}, {s.o_t, panel_row},
             j == 0 ? Write::overwrite : Write::accumulate);
  }
  for (std::int64_t i = 0; i < panel.count; ++i)
    log_sum_exp[panel.begin + i] = ln_2 * s.maximum[i] + std::log(s.sum[i]);
  store_rows(dims, panel, s, o + panel.begin * dims.d);
}

// What all blocks read of a panel: theta, dO, log_sum_exp and D.
void AttentionLoad(const Attention& dims, const AttentionPanel& panel, const AttentionImage& x,
                   const float* o, const float* log_sum_exp, const float* d_o,
                   const AttentionBackwardScratch& s) {
  const float *theta = x.theta + panel.begin * x.row, scale = score_scale(dims);
  o += panel.begin * dims.d;
  d_o += panel.begin * dims.d;
  transpose(panel.count, dims.d, {theta, x.row}, {s.theta_t, panel_row}, log2_e * scale);
  transpose(panel.count, dims.d, {d_o, dims.d}, {s.do_t, panel_row}, 1.0f);
  for (std::int64_t i = 0; i < panel.count; ++i) {
    float D = 0;
    for (std::int64_t c = 0; c < dims.d; ++c) {
      s.theta[i * s.row + c] = scale * theta[i * x.row + c];
      s.d_o[i * s.row + c] = d_o[i * dims.d + c];
      D += d_o[i * dims.d + c] * o[i * dims.d + c];
    }
    s.D[i] = D;
    s.log_sum_exp[i] = log2_e * log_sum_exp[panel.begin + i];
  }
}

// dtheta of a panel's rows, into s.theta, and what they add to dphi and dg.
void AttentionBackward(const Attention& dims, const AttentionPanel& panel, const AttentionImage& x,
                       const AttentionBackwardScratch& s, const AttentionSums& sums, Write write) {
  for (std::int64_t j = 0; j < dims.positions; j += attention_block) {
    const std::int64_t positions = std::min(attention_block, dims.positions - j);
    const float *phi = x.phi + j * x.row, *g = x.g + j * x.row;
    multiply(positions, panel.columns, dims.d, {phi, x.row, 1}, {s.theta_t, panel_row}, {s.p, panel_row},
             Write::overwrite);
    multiply(positions, panel.columns, dims.d, {g, x.row, 1}, {s.do_t, panel_row}, {s.ds, panel_row},
             Write::overwrite);
    score_gradients(panel.columns, positions, s);
    multiply(positions, s.row, panel.count, {s.p, panel_row, 1}, {s.d_o, s.row}, {sums.dg + j * s.row, s.row},
             write);
    multiply(positions, s.row, panel.count, {s.ds, panel_row, 1}, {s.theta, s.row},
             {sums.dphi + j * s.row, s.row}, write);
    multiply(dims.d, panel.columns, positions, {phi, 1, x.row}, {s.ds, panel_row}, {s.dtheta_t, panel_row},
             j == 0 ? Write::overwrite : Write::accumulate);
  }
  transpose(dims.d, panel.count, {s.dtheta_t, panel_row}, {s.theta, s.row}, score_scale(dims));
}

}  // namespace fermion::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fermion::kernels {
namespace {

HWY_EXPORT(AttentionForward);
HWY_EXPORT(AttentionLoad);
HWY_EXPORT(AttentionBackward);

std::int64_t panels_of(const Attention& dims) {
  return (dims.positions + attention_panel - 1) / attention_panel;
}

// dphi and dg of every image from the sums of its parts, in order.
void add_parts(Cpu ctx, const Attention& dims, std::int64_t parts, float* memory, Gradient<float> dqkv) {
#pragma omp parallel for collapse(2) num_threads(ctx.threads)
  for (std::int64_t n = 0; n < dims.N; ++n)
    for (std::int64_t j = 0; j < dims.positions; ++j)
      for (std::int64_t c = 0; c < dims.d; ++c) {
        float dphi = 0, dg = 0;
        for (std::int64_t part = 0; part < parts; ++part) {
          const AttentionSums sums(dims, memory, n * parts + part);
          dphi += sums.dphi[j * sums.row + c];
          dg += sums.dg[j * sums.row + c];
        }
        float* to = dqkv.data + (n * dims.positions + j) * 3 * dims.d + c;
        put(dphi, dqkv.write, to[dims.d]);
        put(dg, dqkv.write, to[2 * dims.d]);
      }
}

}  // namespace

void attention_forward(Cpu ctx, const Attention& dims, const float* qkv, float* o, float* log_sum_exp) {
  const std::int64_t panels = panels_of(dims), floats = AttentionForwardScratch::floats(dims);
  float* scratch = ctx.workspace.take<float>(ctx.threads * floats);
#pragma omp parallel for collapse(2) num_threads(ctx.threads)
  for (std::int64_t n = 0; n < dims.N; ++n)
    for (std::int64_t i = 0; i < panels; ++i) HWY_DYNAMIC_DISPATCH(AttentionForward)
  (dims, {dims, i}, {dims, qkv, n}, o + n * dims.positions * dims.d, log_sum_exp + n * dims.positions,
   {dims, scratch + omp_get_thread_num() * floats});
}

void attention_backward(Cpu ctx, const Attention& dims, const float* qkv, const float* o,
                        const float* log_sum_exp, const float* d_o, Gradient<float> dqkv) {
  if (dims.N * dims.positions == 0) return;
  // Where images are few, each is cut into parts, each with its own sums of dphi and dg.
  const std::int64_t panels = panels_of(dims), floats = AttentionBackwardScratch::floats(dims);
  const std::int64_t parts = std::clamp<std::int64_t>((2 * ctx.threads + dims.N - 1) / dims.N, 1, panels);
  float* memory = ctx.workspace.take<float>(dims.N * parts * AttentionSums::floats(dims));
  float* scratch = ctx.workspace.take<float>(ctx.threads * floats);
#pragma omp parallel for collapse(2) num_threads(ctx.threads)
  for (std::int64_t n = 0; n < dims.N; ++n)
    for (std::int64_t part = 0; part < parts; ++part) {
      const AttentionBackwardScratch s(dims, scratch + omp_get_thread_num() * floats);
      const AttentionSums sums(dims, memory, n * parts + part);
      const AttentionImage x(dims, qkv, n);
      const std::int64_t at = n * dims.positions;
      const std::int64_t begin = part * panels / parts, end = (part + 1) * panels / parts;
      for (std::int64_t i = begin; i < end; ++i) {
        const AttentionPanel panel(dims, i);
        HWY_DYNAMIC_DISPATCH(AttentionLoad)
        (dims, panel, x, o + at * dims.d, log_sum_exp + at, d_o + at * dims.d, s);
        HWY_DYNAMIC_DISPATCH(AttentionBackward)
        (dims, panel, x, s, sums, i == begin ? Write::overwrite : Write::accumulate);
        for (std::int64_t r = 0; r < panel.count; ++r)
          for (std::int64_t c = 0; c < dims.d; ++c)
            put(s.theta[r * s.row + c], dqkv.write, dqkv.data[(at + panel.begin + r) * 3 * dims.d + c]);
      }
    }
  add_parts(ctx, dims, parts, memory, dqkv);
}

}  // namespace fermion::kernels
#endif
