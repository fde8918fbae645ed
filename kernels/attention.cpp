#include "kernels/attention.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <omp.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/exp-inl.h"
#include "kernels/gemm_tile-inl.h"

#ifndef FERMION_KERNELS_ATTENTION_ONCE
#define FERMION_KERNELS_ATTENTION_ONCE
namespace fermion::kernels {
namespace {

// Scores are computed transposed, 64 positions j by a panel of 64 positions i: softmax runs along the rows of
// a vector, its maxima and sums are vectors, and phi and g are read where they lie.
constexpr std::int64_t panel = 64, block = 64;
constexpr float log2_e = std::numbers::log2e_v<float>, ln_2 = std::numbers::ln2_v<float>;

inline std::int64_t round_up(std::int64_t x, std::int64_t to) {
  return (x + to - 1) / to * to;
}

// Positions begin .. begin + count - 1 of an image as rows i. Vectors cover `padded` of them.
struct Rows {
  std::int64_t begin, count, padded;

  Rows(const Attention& dims, std::int64_t index)
      : begin(index * panel),
        count(std::min(panel, dims.positions - begin)),
        padded(round_up(count, std::int64_t{16})) {}
};

// Where an image's theta, phi and g lie.
struct Packed {
  const float *theta, *phi, *g;
  std::int64_t row, d;

  Packed(const Attention& dims, const float* qkv, std::int64_t image)
      : theta(qkv + image * dims.positions * 3 * dims.d),
        phi(theta + dims.d),
        g(phi + dims.d),
        row(3 * dims.d),
        d(dims.d) {}
};

// [d, panel] and [block, panel] floats of one thread.
struct ForwardScratch {
  float *theta_t, *o_t, *scores, *maximum, *sum;

  static std::int64_t floats(const Attention& dims) { return (2 * dims.d + block + 2) * panel; }
  ForwardScratch(const Attention& dims, float* memory)
      : theta_t(memory),
        o_t(theta_t + dims.d * panel),
        scores(o_t + dims.d * panel),
        maximum(scores + block * panel),
        sum(maximum + panel) {}
};

struct BackwardScratch {
  float *theta_t, *do_t, *dtheta_t, *theta, *d_o, *p, *ds, *log_sum_exp, *D;

  static std::int64_t floats(const Attention& dims) {
    return (3 * dims.d + 2 * round_up(dims.d, 16) + 2 * block + 2) * panel;
  }
  BackwardScratch(const Attention& dims, float* memory)
      : theta_t(memory),
        do_t(theta_t + dims.d * panel),
        dtheta_t(do_t + dims.d * panel),
        theta(dtheta_t + dims.d * panel),
        d_o(theta + round_up(dims.d, 16) * panel),
        p(d_o + round_up(dims.d, 16) * panel),
        ds(p + block * panel),
        log_sum_exp(ds + block * panel),
        D(log_sum_exp + panel) {}
};

// Sums of dphi and dg over some of an image's rows i: [positions, padded d] each.
struct ColumnSums {
  float *dphi, *dg;
  std::int64_t row;

  static std::int64_t floats(const Attention& dims) { return 2 * dims.positions * round_up(dims.d, 16); }
  ColumnSums(const Attention& dims, float* memory, std::int64_t part)
      : dphi(memory + part * floats(dims)), dg(dphi + floats(dims) / 2), row(round_up(dims.d, 16)) {}
};

}  // namespace
}  // namespace fermion::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace fermion::kernels::HWY_NAMESPACE {

// to [columns, rows] = scale from [rows, columns].
void transpose(std::int64_t rows, std::int64_t columns, RowMatrix<const float*> from, RowMatrix<float*> to,
               float scale) {
  std::int64_t r = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::CappedTag<float, 4> d;
  const auto s = hn::Set(d, scale);
  for (; r + 4 <= rows; r += 4) {
    const float* in = from.data + r * from.row;
    float* out = to.data + r;
    std::int64_t c = 0;
    for (; c + 4 <= columns; c += 4, in += 4, out += 4 * to.row) {
      const auto r0 = hn::Mul(s, hn::LoadU(d, in)), r1 = hn::Mul(s, hn::LoadU(d, in + from.row));
      const auto r2 = hn::Mul(s, hn::LoadU(d, in + 2 * from.row));
      const auto r3 = hn::Mul(s, hn::LoadU(d, in + 3 * from.row));
      const auto lower02 = hn::InterleaveLower(d, r0, r2), upper02 = hn::InterleaveUpper(d, r0, r2);
      const auto lower13 = hn::InterleaveLower(d, r1, r3), upper13 = hn::InterleaveUpper(d, r1, r3);
      hn::StoreU(hn::InterleaveLower(d, lower02, lower13), d, out);
      hn::StoreU(hn::InterleaveUpper(d, lower02, lower13), d, out + to.row);
      hn::StoreU(hn::InterleaveLower(d, upper02, upper13), d, out + 2 * to.row);
      hn::StoreU(hn::InterleaveUpper(d, upper02, upper13), d, out + 3 * to.row);
    }
    for (; c < columns; ++c, ++in, out += to.row)
      for (std::int64_t i = 0; i < 4; ++i) out[i] = scale * in[i * from.row];
  }
#endif
  for (; r < rows; ++r)
    for (std::int64_t c = 0; c < columns; ++c) to.data[c * to.row + r] = scale * from.data[r * from.row + c];
}

// [d, panel] = scale times the transpose of the panel's rows, with zeros behind them.
void load_transposed(const Rows& rows, std::int64_t d, RowMatrix<const float*> from, float* to, float scale) {
  transpose(rows.count, d, from, {to, panel}, scale);
  for (std::int64_t c = 0; c < d; ++c)
    std::fill(to + c * panel + rows.count, to + c * panel + rows.padded, 0.0f);
}

// Scores of one block, in base 2, to exp2(S - maximum), with maximum, sum and o_t brought up to date.
void OnlineSoftmax(std::int64_t columns, std::int64_t positions, std::int64_t d, const ForwardScratch& s,
                   bool first) {
  const GemmTag t;
  const std::int64_t lanes = hn::Lanes(t);
  for (std::int64_t i = 0; i < columns; i += lanes) {
    float* scores = s.scores + i;
    const auto before = hn::LoadU(t, s.maximum + i);
    auto even = before, odd = before;
    std::int64_t j = 0;
    for (; j + 2 <= positions; j += 2) {
      even = hn::Max(even, hn::LoadU(t, scores + j * panel));
      odd = hn::Max(odd, hn::LoadU(t, scores + (j + 1) * panel));
    }
    if (j < positions) even = hn::Max(even, hn::LoadU(t, scores + j * panel));
    const auto maximum = hn::Max(even, odd);
    auto sum = hn::Zero(t);
    for (j = 0; j < positions; ++j) {
      const auto p = exp2(t, hn::Sub(hn::LoadU(t, scores + j * panel), maximum));
      hn::StoreU(p, t, scores + j * panel);
      sum = hn::Add(sum, p);
    }
    hn::StoreU(maximum, t, s.maximum + i);
    if (first) {
      hn::StoreU(sum, t, s.sum + i);
      continue;
    }
    const auto decay = exp2(t, hn::Sub(before, maximum));
    hn::StoreU(hn::MulAdd(hn::LoadU(t, s.sum + i), decay, sum), t, s.sum + i);
    for (float* o = s.o_t + i; o < s.o_t + d * panel; o += panel)
      hn::StoreU(hn::Mul(hn::LoadU(t, o), decay), t, o);
  }
}

void AttendRows(const Attention& dims, const Rows& rows, const Packed& x, float* o, float* log_sum_exp,
                const ForwardScratch& s) {
  const float scale = log2_e / std::sqrt(static_cast<float>(x.d));
  load_transposed(rows, x.d, {x.theta + rows.begin * x.row, x.row}, s.theta_t, scale);
  std::fill_n(s.maximum, rows.padded, -std::numeric_limits<float>::infinity());
  for (std::int64_t j = 0; j < dims.positions; j += block) {
    const std::int64_t positions = std::min(block, dims.positions - j);
    multiply(positions, rows.padded, x.d, {x.phi + j * x.row, x.row, 1}, {s.theta_t, panel},
             {s.scores, panel}, Write::overwrite);
    OnlineSoftmax(rows.padded, positions, x.d, s, j == 0);
    multiply(x.d, rows.padded, positions, {x.g + j * x.row, 1, x.row}, {s.scores, panel}, {s.o_t, panel},
             j == 0 ? Write::overwrite : Write::accumulate);
  }
  for (std::int64_t i = 0; i < rows.count; ++i)
    log_sum_exp[rows.begin + i] = ln_2 * s.maximum[i] + std::log(s.sum[i]);
  const GemmTag t;
  for (std::int64_t i = 0; i < rows.padded; i += hn::Lanes(t)) {
    const auto inverse = hn::Div(hn::Set(t, 1.0f), hn::LoadU(t, s.sum + i));
    for (float* p = s.o_t + i; p < s.o_t + x.d * panel; p += panel)
      hn::StoreU(hn::Mul(hn::LoadU(t, p), inverse), t, p);
  }
  transpose(x.d, rows.count, {s.o_t, panel}, {o + rows.begin * x.d, x.d}, 1.0f);
}

// p and dP of one block to p = P and ds = P (dP - D).
void ScoreGradients(std::int64_t columns, std::int64_t positions, const BackwardScratch& s) {
  const GemmTag t;
  for (std::int64_t i = 0; i < columns; i += hn::Lanes(t)) {
    const auto log_sum_exp = hn::LoadU(t, s.log_sum_exp + i), D = hn::LoadU(t, s.D + i);
    for (std::int64_t at = i; at < i + positions * panel; at += panel) {
      const auto p = exp2(t, hn::Sub(hn::LoadU(t, s.p + at), log_sum_exp));
      hn::StoreU(p, t, s.p + at);
      hn::StoreU(hn::Mul(p, hn::Sub(hn::LoadU(t, s.ds + at), D)), t, s.ds + at);
    }
  }
}

// Everything of a panel that the blocks of positions j read.
void LoadRows(const Rows& rows, const Packed& x, const float* o, const float* log_sum_exp, const float* d_o,
              std::int64_t padded_d, const BackwardScratch& s) {
  const float scale = 1 / std::sqrt(static_cast<float>(x.d));
  const float* theta = x.theta + rows.begin * x.row;
  load_transposed(rows, x.d, {theta, x.row}, s.theta_t, log2_e / std::sqrt(static_cast<float>(x.d)));
  load_transposed(rows, x.d, {d_o + rows.begin * x.d, x.d}, s.do_t, 1.0f);
  std::fill_n(s.log_sum_exp, rows.padded, 0.0f);
  std::fill_n(s.D, rows.padded, 0.0f);
  for (std::int64_t i = 0; i < rows.count; ++i) {
    const std::int64_t position = rows.begin + i;
    float D = 0;
    for (std::int64_t c = 0; c < x.d; ++c) {
      s.theta[i * padded_d + c] = scale * theta[i * x.row + c];
      s.d_o[i * padded_d + c] = d_o[position * x.d + c];
      D += d_o[position * x.d + c] * o[position * x.d + c];
    }
    std::fill(s.theta + i * padded_d + x.d, s.theta + (i + 1) * padded_d, 0.0f);
    std::fill(s.d_o + i * padded_d + x.d, s.d_o + (i + 1) * padded_d, 0.0f);
    s.log_sum_exp[i] = log2_e * log_sum_exp[position];
    s.D[i] = D;
  }
}

// dtheta of the panel's rows, and what they add to dphi and dg.
void DifferentiateRows(const Attention& dims, const Rows& rows, const Packed& x, const BackwardScratch& s,
                       const ColumnSums& sums, Write write) {
  const std::int64_t padded_d = sums.row;
  for (std::int64_t j = 0; j < dims.positions; j += block) {
    const std::int64_t positions = std::min(block, dims.positions - j);
    multiply(positions, rows.padded, x.d, {x.phi + j * x.row, x.row, 1}, {s.theta_t, panel}, {s.p, panel},
             Write::overwrite);
    multiply(positions, rows.padded, x.d, {x.g + j * x.row, x.row, 1}, {s.do_t, panel}, {s.ds, panel},
             Write::overwrite);
    ScoreGradients(rows.padded, positions, s);
    multiply(positions, padded_d, rows.count, {s.p, panel, 1}, {s.d_o, padded_d},
             {sums.dg + j * padded_d, padded_d}, write);
    multiply(positions, padded_d, rows.count, {s.ds, panel, 1}, {s.theta, padded_d},
             {sums.dphi + j * padded_d, padded_d}, write);
    multiply(x.d, rows.padded, positions, {x.phi + j * x.row, 1, x.row}, {s.ds, panel}, {s.dtheta_t, panel},
             j == 0 ? Write::overwrite : Write::accumulate);
  }
  transpose(x.d, rows.count, {s.dtheta_t, panel}, {s.theta, padded_d},
            1 / std::sqrt(static_cast<float>(x.d)));
}

}  // namespace fermion::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fermion::kernels {
namespace {

HWY_EXPORT(AttendRows);
HWY_EXPORT(LoadRows);
HWY_EXPORT(DifferentiateRows);

void put(float value, Write write, float& to) {
  to = write == Write::accumulate ? to + value : value;
}

}  // namespace

void attention_forward(Cpu ctx, const Attention& dims, const float* qkv, float* o, float* log_sum_exp) {
  const std::int64_t panels = (dims.positions + panel - 1) / panel;
  const std::int64_t floats = ForwardScratch::floats(dims);
  float* scratch = ctx.workspace.take<float>(ctx.threads * floats);
#pragma omp parallel for collapse(2) num_threads(ctx.threads)
  for (std::int64_t n = 0; n < dims.N; ++n)
    for (std::int64_t i = 0; i < panels; ++i) HWY_DYNAMIC_DISPATCH(AttendRows)
  (dims, Rows(dims, i), Packed(dims, qkv, n), o + n * dims.positions * dims.d,
   log_sum_exp + n * dims.positions, ForwardScratch(dims, scratch + omp_get_thread_num() * floats));
}

void attention_backward(Cpu ctx, const Attention& dims, const float* qkv, const float* o,
                        const float* log_sum_exp, const float* d_o, Gradient<float> dqkv) {
  const std::int64_t d = dims.d, panels = (dims.positions + panel - 1) / panel;
  // Where images are few, each is cut into parts, whose sums of dphi and dg are added up in order.
  const std::int64_t wanted = 2 * ctx.threads / std::max<std::int64_t>(dims.N, 1);
  const std::int64_t parts = std::clamp<std::int64_t>(wanted, 1, panels);
  float* memory = ctx.workspace.take<float>(dims.N * parts * ColumnSums::floats(dims));
  const std::int64_t floats = BackwardScratch::floats(dims);
  float* scratch = ctx.workspace.take<float>(ctx.threads * floats);
#pragma omp parallel for collapse(2) num_threads(ctx.threads)
  for (std::int64_t n = 0; n < dims.N; ++n)
    for (std::int64_t part = 0; part < parts; ++part) {
      const BackwardScratch s(dims, scratch + omp_get_thread_num() * floats);
      const ColumnSums sums(dims, memory, n * parts + part);
      const Packed x(dims, qkv, n);
      const std::int64_t at = n * dims.positions;
      const std::int64_t begin = part * panels / parts, end = (part + 1) * panels / parts;
      for (std::int64_t i = begin; i < end; ++i) {
        const Rows rows(dims, i);
        HWY_DYNAMIC_DISPATCH(LoadRows)
        (rows, x, o + at * d, log_sum_exp + at, d_o + at * d, sums.row, s);
        HWY_DYNAMIC_DISPATCH(DifferentiateRows)
        (dims, rows, x, s, sums, i == begin ? Write::overwrite : Write::accumulate);
        for (std::int64_t r = 0; r < rows.count; ++r)
          for (std::int64_t c = 0; c < d; ++c)
            put(s.theta[r * sums.row + c], dqkv.write, dqkv.data[(at + rows.begin + r) * 3 * d + c]);
      }
    }
#pragma omp parallel for collapse(2) num_threads(ctx.threads)
  for (std::int64_t n = 0; n < dims.N; ++n)
    for (std::int64_t j = 0; j < dims.positions; ++j)
      for (std::int64_t c = 0; c < d; ++c) {
        float dphi = 0, dg = 0;
        for (std::int64_t part = 0; part < parts; ++part) {
          const ColumnSums sums(dims, memory, n * parts + part);
          dphi += sums.dphi[j * sums.row + c];
          dg += sums.dg[j * sums.row + c];
        }
        float* to = dqkv.data + (n * dims.positions + j) * 3 * d + c;
        put(dphi, dqkv.write, to[d]);
        put(dg, dqkv.write, to[2 * d]);
      }
}

}  // namespace fermion::kernels
#endif
