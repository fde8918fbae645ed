// oneDNN behind the CPU's convolutions: primitives cached by shape, weights in whatever format oneDNN asks
// for, scratchpads from the caller.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <vector>

#include "kernels/context.h"

namespace fermion::kernels {

enum class Direction { forward, dgrad, wgrad };

// A convolution src [images, H, W, Ci] -> dst [images, Ho, Wo, Co] in one direction: forward writes dst,
// dgrad src's gradient, wgrad the weights', with
//
//   Ho = (H + 2 padding - kernel) / stride + 1            rounded down; Wo likewise
//
// Activations lie in blocks of channels, [images, C / block, pixels, block]. NHWC is one block of C, NCHW are
// blocks of 1, and oneDNN also has kernels for blocks of 8 (AVX2) and 16 (AVX-512).
struct ConvolutionKey {
  Direction direction = Direction::forward;
  std::int64_t images = 1, H = 1, W = 1, Ci = 1, Co = 1;
  std::int64_t kernel = 3, stride = 1, padding = 1;
  std::int64_t src_block = 1, dst_block = 1;
  bool bias = false;                    // forward: dst = convolution + bias
  bool transposed = false;              // plain weights are [Ci, Kh, Kw, Co] instead of [Co, Kh, Kw, Ci]
  int threads = 1, weight_threads = 1;  // of a call, and of reordering the weights

  auto operator<=>(const ConvolutionKey&) const = default;
};

class Convolution {
 public:
  // Throws std::runtime_error where oneDNN knows no such convolution.
  Convolution(const ConvolutionKey& key, const dnnl::engine& engine);

  // Floats of the weights in oneDNN's format, of pack()'s and unpack()'s `between`, and of the scratchpad.
  std::int64_t packed_floats() const { return packed_floats_; }
  std::int64_t between_floats() const { return between_floats_; }
  std::int64_t scratch_floats() const { return scratch_floats_; }
  const std::string& implementation() const { return implementation_; }

  // Plain weights to oneDNN's format (forward, dgrad), or the gradient back (wgrad).
  void pack(const float* plain, float* packed, float* between) const { reorder(plain, packed, between); }
  void unpack(const float* packed, float* plain, float* between) const { reorder(packed, plain, between); }

  // May run on several threads at once, each with its own scratch. Like pack() and unpack(), throws
  // std::runtime_error where oneDNN fails.
  void run(const float* src, const float* packed, const float* dst, float* scratch,
           const float* bias = nullptr) const;

 private:
  void add_reorder(const dnnl::memory::desc& from, const dnnl::memory::desc& to);
  void reorder(const float* from, float* to, float* between) const;

  struct Reorder {
    dnnl::memory::desc from, to;
    dnnl::reorder reorder;
  };

  ConvolutionKey key_;
  dnnl::engine engine_;
  dnnl::primitive primitive_;
  dnnl::memory::desc src_, packed_, dst_, bias_, scratch_;
  std::vector<Reorder> reorders_;
  std::int64_t packed_floats_ = 0, between_floats_ = 0, scratch_floats_ = 0;
  std::string implementation_;
};

// One per device; safe to use from several threads.
class Primitives {
 public:
  const Convolution& convolution(const ConvolutionKey& key);

  // oneDNN's name of each implementation in use. One that starts with "ref" is its naive loop.
  std::vector<std::string> implementations() const;

 private:
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  mutable std::mutex mutex_;
  std::map<ConvolutionKey, std::unique_ptr<Convolution>> convolutions_;
};

}  // namespace fermion::kernels
