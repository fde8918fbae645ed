// Attention in float64 loops: S = scale q k^T, with causal only keys up to the query's; P = softmax of its
// rows; o = P v; and the gradients by do: dv = P^T do, dS = P (do v^T - rowsum(do o)), dq = scale dS k, dk =
// scale dS^T q. All of [images, positions, heads, d], log_sum_exp [images, heads, positions] of S.
#pragma once

#include "judge.h"

namespace judge {

struct Attention {
  int images, heads, queries, keys, d;
  bool causal = false;

  size_t of_queries() const { return size_t(images) * queries * heads * d; }
  size_t of_keys() const { return size_t(images) * keys * heads * d; }
  size_t rows() const { return size_t(images) * heads * queries; }
  double scale() const { return 1 / std::sqrt(double(d)); }
  std::string text() const {
    const auto number = [](int i) { return std::to_string(i); };
    return number(images) + "x" + number(heads) + " heads, " + number(queries) +
           (keys == queries ? "" : " queries, " + number(keys) + " keys") + ", d " + number(d) +
           (causal ? ", causal" : "");
  }
};

struct AttentionResult {
  std::vector<double> o, log_sum_exp, dq, dk, dv;
};

// round: what is done to every number that a kernel has to store or hand to a tensor core in its own type: P,
// dS and the results.
template <class T, class Round>
AttentionResult attend(const Attention& a, const std::vector<T>& q, const std::vector<T>& k,
                       const std::vector<T>& v, const std::vector<T>& d_o, Round round) {
  AttentionResult result{std::vector<double>(a.of_queries()), std::vector<double>(a.rows()),
                         std::vector<double>(a.of_queries()), std::vector<double>(a.of_keys()),
                         std::vector<double>(a.of_keys())};
  const auto dot = [&](const auto& x, size_t i, const auto& y, size_t j) {
    double sum = 0;
    for (int c = 0; c < a.d; c++) sum += double(x[i + c]) * double(y[j + c]);
    return sum;
  };
  std::vector<double> p(a.keys), ds(a.keys);
  for (int n = 0; n < a.images; n++)
    for (int h = 0; h < a.heads; h++)
      for (int i = 0; i < a.queries; i++) {
        const size_t row = ((size_t(n) * a.queries + i) * a.heads + h) * a.d;
        const auto key = [&](int j) { return ((size_t(n) * a.keys + j) * a.heads + h) * a.d; };
        // The last query sees all keys.
        const int seen = a.causal ? std::max(0, i + 1 + a.keys - a.queries) : a.keys;
        double largest = -INFINITY, sum = 0, o_do = 0;
        for (int j = 0; j < seen; j++) largest = std::max(largest, p[j] = a.scale() * dot(q, row, k, key(j)));
        for (int j = 0; j < seen; j++) sum += p[j] = std::exp(p[j] - largest);
        result.log_sum_exp[(size_t(n) * a.heads + h) * a.queries + i] = largest + std::log(sum);
        for (int j = 0; j < seen; j++) {
          p[j] = round(p[j] / sum);
          for (int c = 0; c < a.d; c++) result.o[row + c] += p[j] * double(v[key(j) + c]);
        }
        for (int c = 0; c < a.d; c++) result.o[row + c] = round(result.o[row + c]);
        o_do = dot(result.o, row, d_o, row);
        for (int j = 0; j < seen; j++) {
          ds[j] = round(p[j] * (dot(d_o, row, v, key(j)) - o_do));
          for (int c = 0; c < a.d; c++) {
            result.dq[row + c] += a.scale() * ds[j] * double(k[key(j) + c]);
            result.dk[key(j) + c] += a.scale() * ds[j] * double(q[row + c]);
            result.dv[key(j) + c] += p[j] * double(d_o[row + c]);
          }
        }
      }
  for (auto* gradient : {&result.dq, &result.dk, &result.dv})
    for (double& x : *gradient) x = round(x);
  return result;
}

template <class T>
struct AttentionInputs {
  std::vector<T> q, k, v, d_o;
  explicit AttentionInputs(const Attention& a)
      : q(numbers<T>(a.of_queries(), 1, 1. / 64, 2)),
        k(numbers<T>(a.of_keys(), 2, 1. / 64, 2)),
        v(numbers<T>(a.of_keys(), 3, 1. / 64, 1)),
        d_o(numbers<T>(a.of_queries(), 4, 1. / 64, 1)) {}
};

// A kernel may differ by twice what rounding alone makes of the same loops; log_sum_exp, which is in f32
// throughout, by a few roundings of its sum.
template <class T>
std::vector<Row> compare(const Attention& a, const AttentionInputs<T>& in, const AttentionResult& actual) {
  const auto exact = attend(a, in.q, in.k, in.v, in.d_o, [](double x) { return x; });
  const auto rounded = attend(a, in.q, in.k, in.v, in.d_o, [](double x) { return double(T(float(x))); });
  const auto row = [&](const char* output, std::vector<double> AttentionResult::*member) {
    return Row{output, largest_error(actual.*member, exact.*member),
               2 * largest_error(rounded.*member, exact.*member)};
  };
  return {row("o", &AttentionResult::o),
          {"log_sum_exp", largest_error(actual.log_sum_exp, exact.log_sum_exp), 1e-6},
          row("dq", &AttentionResult::dq),
          row("dk", &AttentionResult::dk),
          row("dv", &AttentionResult::dv)};
}

}  // namespace judge
