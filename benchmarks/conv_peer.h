// oneDNN's direct convolution with every layout its own choice: the peer of conv2d. Its tensors lie in its
// layouts from the start, so that no reorder is ever counted.
#pragma once

#include <hwy/aligned_allocator.h>
#include <map>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>
#include <vector>

#include "kernels/conv2d.h"
#include "kernels/conv_passes.h"
#include "kernels/onednn.h"

namespace fermion::benchmarks {

using kernels::Direction;

// One weight set.
class ConvPeer {
 public:
  ConvPeer(const kernels::Conv2d& dims, int threads);

  // The convolution alone.
  void run(Direction direction);

  // With what a framework of separate ops does around it, each a pass over the whole batch with all threads,
  // by the vectorised loops of kernels/conv_passes.h, in oneDNN's layouts. Forward: norm and ReLU of the
  // first input, the second (without a norm) copied beside it; statistics of y. Backward: da to dy; that
  // value again for wgrad; the ReLU's mask and its two sums behind dgrad. Images (3 channels) have no norm
  // and want no gradient.
  void forward_with_passes();
  void backward_with_passes(bool dgrad, bool wgrad);

 private:
  struct Call {
    dnnl::primitive primitive;
    std::unordered_map<int, dnnl::memory> arguments;
    std::int64_t src_block, dst_block;
  };
  // A tensor [N, C / block, pixels, block] whatever the block, what passes around it read and write, and rows
  // of sums.
  struct Images {
    std::int64_t N, C, pixels;
    hwy::AlignedFreeUniquePtr<float[]> values, raw, gradient, sums;
  };
  struct Descriptions {
    dnnl::memory::desc src, weight, dst, scratch;
  };
  void add_call(Direction direction, const dnnl::primitive& primitive, const Descriptions& descriptions);
  Images images(std::int64_t C, std::int64_t pixels) const;
  // Calls body(range, at, sums) for the blocks of pixels of every block of channels: range.k counts blocks of
  // channels, `at` is where their floats begin.
  template <class Body>
  void pass(Images& images, std::int64_t block, const Body& body) const;
  void write_value(Direction reader);
  void write_statistics();
  void write_dy(Direction reader);
  void write_da();
  kernels::Norm norm() const;
  kernels::Norm source_norm(const kernels::PixelRange& range) const;

  kernels::Conv2d dims_;
  int threads_;
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  std::map<Direction, Call> calls_;
  Images src_, dst_;
  std::vector<float> constants_, zeros_;
};

}  // namespace fermion::benchmarks
