// What tests of single kernels run on: numbers that the host and the kernels both see, and launches that end
// before the test goes on.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cuda_runtime.h>
#include <doctest/doctest.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/launch.cuh"

namespace fermion::test {

inline void check(cudaError_t error) {
  if (error != cudaSuccess) throw std::runtime_error(std::string("CUDA: ") + cudaGetErrorString(error));
}

// Zeros at first.
template <class T>
class Numbers {
 public:
  explicit Numbers(std::size_t count) : count_(count) {
    T* data = nullptr;
    check(cudaMallocManaged(&data, std::max<std::size_t>(count, 1) * sizeof(T)));  // of none it fails
    data_.reset(data);
    std::fill_n(data, count, T{});
  }
  // Each is what `value` makes of its index.
  template <class Value>
  Numbers(std::size_t count, const Value& value) : Numbers(count) {
    for (std::size_t i = 0; i < count; ++i) data_[i] = value(static_cast<int>(i));
  }

  std::size_t size() const { return count_; }
  T& operator[](std::size_t i) { return data_[i]; }
  operator T*() { return data_.get(); }

 private:
  struct Free {
    void operator()(T* data) const { cudaFree(data); }
  };
  std::size_t count_;
  std::unique_ptr<T[], Free> data_;
};

class CudaRig : public kernels::Workspace {
 public:
  kernels::Cuda context() { return {nullptr, *this, counters_, 1}; }

  template <class... Parameters, class... Args>
  void run(void (*kernel)(Parameters...), kernels::Grid grid, dim3 block, std::size_t shared,
           Args&&... args) {
    kernels::launch(context(), kernel, grid, block, shared, static_cast<Parameters>(args)...);
    finish();
  }
  void finish() { check(cudaDeviceSynchronize()); }

  void* take_bytes(std::size_t bytes) override {
    taken_.emplace_back(bytes);
    return taken_.back();
  }

 private:
  Numbers<unsigned> counters_{kernels::Cuda::counter_count};
  std::vector<Numbers<std::byte>> taken_;
};

}  // namespace fermion::test
