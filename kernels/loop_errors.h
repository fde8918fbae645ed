// Exceptions of a parallel loop. One that left the loop would end the program; here the first one waits for
// the loop's end.
//
//   LoopErrors errors;
//   #pragma omp parallel for
//   for (...) errors.collect([&] { ...what may throw... });
//   errors.rethrow();
#pragma once

#include <exception>
#include <mutex>

namespace fermion::kernels {

class LoopErrors {
 public:
  template <class Work>
  void collect(const Work& work) noexcept {
    try {
      work();
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!first_) first_ = std::current_exception();
    }
  }

  // Throws the first exception, if there was one.
  void rethrow() const {
    if (first_) std::rethrow_exception(first_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr first_;
};

}  // namespace fermion::kernels
