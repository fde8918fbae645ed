// What the drivers share: numbers, buffers of the device, the comparison with float64, the rows of the table.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cuda_runtime.h>
#include <functional>
#include <string>
#include <vector>

namespace judge {

inline void require(bool holds, const std::string& what) {
  if (holds) return;
  fprintf(stderr, "%s\n", what.c_str());
  exit(1);
}
inline void check(cudaError_t error) {
  require(error == cudaSuccess, cudaGetErrorString(error));
}

// Multiples of `step` in [-range, range]. With few bits in each, sums of products are exact in f32.
template <class T>
std::vector<T> numbers(size_t count, uint32_t seed, double step, double range) {
  std::vector<T> values(count);
  const uint32_t steps = uint32_t(2 * range / step) + 1;
  for (T& value : values) {
    seed = seed * 1664525u + 1013904223u;
    value = T(float((seed >> 8) % steps * step - range));
  }
  return values;
}

// Of the device. What is not copied there is the interpreter's fill, NaN in every type.
template <class T>
class Buffer {
 public:
  explicit Buffer(size_t count) : count_(count) { check(cudaMalloc(&data_, count * sizeof(T))); }
  explicit Buffer(const std::vector<T>& values) : Buffer(values.size()) {
    check(cudaMemcpy(data_, values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice));
  }
  Buffer(const Buffer&) = delete;
  ~Buffer() { cudaFree(data_); }

  T* data() const { return data_; }
  void zero() { check(cudaMemset(data_, 0, count_ * sizeof(T))); }
  std::vector<double> values() const {
    std::vector<T> host(count_);
    check(cudaMemcpy(host.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost));
    return {host.begin(), host.end()};
  }

 private:
  size_t count_;
  T* data_;
};

// The largest difference, in terms of the largest number expected. Infinite where a number of either is not
// finite, and where nothing, or hardly anything but zeros, was expected.
inline double largest_error(const std::vector<double>& actual, const std::vector<double>& expected) {
  require(actual.size() == expected.size(), "the sizes of result and reference differ");
  double largest = 0, error = 0;
  size_t zeros = 0;
  for (size_t i = 0; i < expected.size(); i++) {
    if (!std::isfinite(actual[i]) || !std::isfinite(expected[i])) return INFINITY;
    error = std::max(error, std::abs(actual[i] - expected[i]));
    largest = std::max(largest, std::abs(expected[i]));
    zeros += expected[i] == 0;
  }
  return expected.empty() || zeros > expected.size() / 2 ? INFINITY : error / largest;
}

// One output of a kernel.
struct Row {
  std::string output;
  double error, allowed;
};
struct Case {
  std::string kernel, shape;
  std::function<std::vector<Row>()> run;
};
// A launch whose counters are read: of the kernels whose name contains `counted`, which do `flops` useful
// operations.
struct Measured {
  std::string kernel, shape, counted;
  double flops;
  std::function<void()> run;
};

template <class T>
const T& chosen(const std::vector<T>& all, const std::string& number) {
  const bool digits = !number.empty() && number.find_first_not_of("0123456789") == std::string::npos;
  require(digits && std::stoul(number) < all.size(), "there is no case " + number);
  return all[std::stoul(number)];
}

//   DRIVER        prints the numbers of the cases
//   DRIVER 3      runs a case and prints its rows
//   DRIVER bench  prints what is measured; DRIVER bench 3 runs it
inline int run(int argc, char** argv, const std::vector<Case>& cases, const std::vector<Measured>& measured) {
  if (argc == 1) {
    for (size_t i = 0; i < cases.size(); i++) printf("%zu\n", i);
    return 0;
  }
  if (argv[1] == std::string("bench")) {
    if (argc == 3) {
      chosen(measured, argv[2]).run();
      return 0;
    }
    for (const Measured& m : measured)
      printf("%s\t%s\t%s\t%.0f\n", m.kernel.c_str(), m.shape.c_str(), m.counted.c_str(), m.flops);
    return 0;
  }
  require(argc == 2, "one case at a time");
  const Case& it = chosen(cases, argv[1]);
  bool good = true;
  for (const Row& row : it.run()) {
    printf("%s\t%s\t%s\t%.3g\t%.3g\n", it.kernel.c_str(), it.shape.c_str(), row.output.c_str(), row.error,
           row.allowed);
    good = good && row.error <= row.allowed && std::isfinite(row.allowed);
  }
  return good ? 0 : 1;
}

}  // namespace judge
