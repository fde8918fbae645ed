#include "benchmarks/conv_peer.h"

#include <algorithm>
#include <omp.h>

#include "kernels/conv_plan.h"

namespace fermion::benchmarks {
namespace {

using dnnl::memory;
using kernels::Norm;
using kernels::PixelRange;

// Channels that lie side by side.
std::int64_t block_of(const memory::desc& desc) {
  const auto& blocking = desc.data.format_desc.blocking;
  if (blocking.inner_nblks > 0) return blocking.inner_blks[0];
  return blocking.strides[1] == 1 ? desc.dims()[1] : 1;
}

hwy::AlignedFreeUniquePtr<float[]> numbers(std::int64_t count) {
  auto values = hwy::AllocateAligned<float>(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) values[i] = 0.01f * static_cast<float>(i % 97) - 0.5f;
  return values;
}

}  // namespace

ConvPeer::ConvPeer(const kernels::Conv2d& dims, int threads)
    : dims_(dims),
      threads_(threads),
      src_(images(dims.Ci(), dims.H * dims.W)),
      dst_(images(dims.Co, dims.Ho() * dims.Wo())),
      constants_(static_cast<std::size_t>(std::max(dims.Ci(), dims.Co)), 0.75f),
      zeros_(constants_.size()) {
  omp_set_num_threads(threads);
  const auto any = [](const memory::dims& size) {
    return memory::desc(size, memory::data_type::f32, memory::format_tag::any);
  };
  const memory::desc x = any({dims.N, dims.Ci(), dims.H, dims.W}),
                     y = any({dims.N, dims.Co, dims.Ho(), dims.Wo()}),
                     weight = any({dims.Co, dims.Ci(), dims.kernel, dims.kernel});
  const memory::dims strides = {dims.stride, dims.stride}, before = {dims.padding(), dims.padding()};
  const memory::dims after = {(dims.Ho() - 1) * dims.stride + dims.kernel - dims.H - dims.padding(),
                              (dims.Wo() - 1) * dims.stride + dims.kernel - dims.W - dims.padding()};
  const auto direct = dnnl::algorithm::convolution_direct;
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const dnnl::convolution_forward::primitive_desc forward(
      {dnnl::prop_kind::forward_training, direct, x, weight, y, strides, before, after}, attributes, engine_);
  const dnnl::convolution_backward_data::primitive_desc dgrad({direct, x, weight, y, strides, before, after},
                                                              attributes, engine_, forward);
  const dnnl::convolution_backward_weights::primitive_desc wgrad(
      {direct, x, weight, y, strides, before, after}, attributes, engine_, forward);
  add_call(Direction::forward, dnnl::primitive(forward),
           {forward.src_desc(), forward.weights_desc(), forward.dst_desc(), forward.scratchpad_desc()});
  add_call(Direction::dgrad, dnnl::primitive(dgrad),
           {dgrad.diff_src_desc(), dgrad.weights_desc(), dgrad.diff_dst_desc(), dgrad.scratchpad_desc()});
  add_call(Direction::wgrad, dnnl::primitive(wgrad),
           {wgrad.src_desc(), wgrad.diff_weights_desc(), wgrad.diff_dst_desc(), wgrad.scratchpad_desc()});
}

// Source and destination are shared by all directions: only their layouts may differ.
void ConvPeer::add_call(Direction direction, const dnnl::primitive& primitive,
                        const Descriptions& descriptions) {
  Call call{primitive, {}, block_of(descriptions.src), block_of(descriptions.dst)};
  const bool dgrad = direction == Direction::dgrad, wgrad = direction == Direction::wgrad;
  call.arguments = {
      {dgrad ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC, memory(descriptions.src, engine_, src_.values.get())},
      {dgrad || wgrad ? DNNL_ARG_DIFF_DST : DNNL_ARG_DST,
       memory(descriptions.dst, engine_, dst_.values.get())},
      {wgrad ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS, memory(descriptions.weight, engine_)},
      {DNNL_ARG_SCRATCHPAD, memory(descriptions.scratch, engine_)}};
  for (auto& [name, argument] : call.arguments)
    if (name == DNNL_ARG_WEIGHTS)
      std::fill_n(static_cast<float*>(argument.get_data_handle()),
                  argument.get_desc().get_size() / sizeof(float), 0.01f);
  calls_.emplace(direction, std::move(call));
}

ConvPeer::Images ConvPeer::images(std::int64_t C, std::int64_t pixels) const {
  const std::int64_t count = dims_.N * C * pixels, rows = dims_.N * kernels::blocks_of(pixels);
  return {dims_.N, C, pixels, numbers(count), numbers(count), numbers(count), numbers(2 * rows * C)};
}

void ConvPeer::run(Direction direction) {
  const Call& call = calls_.at(direction);
  call.primitive.execute(stream_, call.arguments);
  stream_.wait();
}

void ConvPeer::forward_with_passes() {
  write_value(Direction::forward);
  run(Direction::forward);
  write_statistics();
}

void ConvPeer::backward_with_passes(bool dgrad, bool wgrad) {
  write_dy(wgrad ? Direction::wgrad : Direction::dgrad);
  if (wgrad) {
    write_value(Direction::wgrad);
    run(Direction::wgrad);
  }
  if (dgrad) {
    run(Direction::dgrad);
    write_da();
  }
}

template <class Body>
void ConvPeer::pass(Images& images, std::int64_t block, const Body& body) const {
  const std::int64_t parts = images.C / block, blocks = kernels::blocks_of(images.pixels);
#pragma omp parallel for collapse(3) schedule(static) num_threads(threads_)
  for (std::int64_t n = 0; n < images.N; ++n)
    for (std::int64_t part = 0; part < parts; ++part)
      for (std::int64_t b = 0; b < blocks; ++b) {
        const std::int64_t begin = b * kernels::block_pixels;
        const PixelRange range{begin, std::min(begin + kernels::block_pixels, images.pixels), block, part};
        float* sums = images.sums.get() + ((n * blocks + b) * parts + part) * 2 * block;
        body(range, (n * parts + part) * images.pixels * block, sums);
      }
}

// Of the channels that oneDNN lays side by side, all belong to one input.
Norm ConvPeer::source_norm(const PixelRange& range) const {
  return range.k * range.C < dims_.first_channels ? norm() : Norm{};
}

Norm ConvPeer::norm() const {
  return {constants_.data(), constants_.data(), zeros_.data(), constants_.data(), true};
}

void ConvPeer::write_value(Direction reader) {
  if (dims_.Ci() == 3) return;
  pass(src_, calls_.at(reader).src_block, [&](const PixelRange& range, std::int64_t at, float*) {
    kernels::write_value(range, source_norm(range), src_.raw.get() + at,
                         {src_.values.get() + at, src_.pixels, range.C}, 0);
  });
}

void ConvPeer::write_statistics() {
  pass(dst_, calls_.at(Direction::forward).dst_block,
       [&](const PixelRange& range, std::int64_t at, float* sums) {
         kernels::write_statistics(range, dst_.values.get() + at, sums, sums + range.C);
       });
}

void ConvPeer::write_dy(Direction reader) {
  pass(dst_, calls_.at(reader).dst_block, [&](const PixelRange& range, std::int64_t at, float*) {
    kernels::write_dy(range, norm(), zeros_.data(), zeros_.data(), dst_.N * dst_.pixels, dst_.raw.get() + at,
                      dst_.gradient.get() + at, {dst_.values.get() + at, dst_.pixels, range.C});
  });
}

void ConvPeer::write_da() {
  pass(src_, calls_.at(Direction::dgrad).src_block,
       [&](const PixelRange& range, std::int64_t at, float* sums) {
         std::fill_n(sums, 2 * range.C, 0.0f);
         kernels::write_da(range, source_norm(range), src_.raw.get() + at,
                           {src_.values.get() + at, src_.pixels, range.C}, 0, src_.gradient.get() + at,
                           kernels::Write::overwrite, sums, sums + range.C);
       });
}

}  // namespace fermion::benchmarks
