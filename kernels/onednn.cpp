#include "kernels/onednn.h"

#include <omp.h>
#include <stdexcept>
#include <unordered_map>

namespace fermion::kernels {
namespace {

using dnnl::memory;

// oneDNN takes its thread count from OpenMP, when a primitive is made and again when it runs.
class ThreadCount {
 public:
  explicit ThreadCount(int threads) : before_(omp_get_max_threads()) { omp_set_num_threads(threads); }
  ~ThreadCount() { omp_set_num_threads(before_); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  int before_;
};

memory::desc activations(std::int64_t images, std::int64_t C, std::int64_t H, std::int64_t W,
                         std::int64_t block) {
  using tag = memory::format_tag;
  const tag format = block == C    ? tag::nhwc
                     : block == 16 ? tag::nChw16c
                     : block == 8  ? tag::nChw8c
                                   : tag::nchw;
  return {{images, C, H, W}, memory::data_type::f32, format};
}

std::string describe(const ConvolutionKey& key) {
  const auto text = [](std::int64_t value) { return std::to_string(value); };
  return text(key.images) + " images of " + text(key.H) + " x " + text(key.W) + ", " + text(key.Ci) + " to " +
         text(key.Co) + " channels, kernel " + text(key.kernel) + ", stride " + text(key.stride);
}

std::runtime_error failed(const char* what, const ConvolutionKey& key, const dnnl::error& error) {
  return std::runtime_error(std::string("oneDNN could not ") + what + " the convolution of " + describe(key) +
                            " (" + error.what() + "), most likely for want of memory");
}

std::int64_t floats(const memory::desc& desc) {
  return static_cast<std::int64_t>((desc.get_size() + sizeof(float) - 1) / sizeof(float));
}

}  // namespace

Convolution::Convolution(const ConvolutionKey& key, const dnnl::engine& engine) : key_(key), engine_(engine) {
  const ThreadCount scope(key.threads);
  const std::int64_t Ho = (key.H + 2 * key.padding - key.kernel) / key.stride + 1;
  const std::int64_t Wo = (key.W + 2 * key.padding - key.kernel) / key.stride + 1;
  const memory::dims weight_dims = {key.Co, key.Ci, key.kernel, key.kernel},
                     strides = {key.stride, key.stride};
  const memory::dims before = {key.padding, key.padding};
  const memory::dims after = {(Ho - 1) * key.stride + key.kernel - key.H - key.padding,
                              (Wo - 1) * key.stride + key.kernel - key.W - key.padding};
  src_ = activations(key.images, key.Ci, key.H, key.W, key.src_block);
  dst_ = activations(key.images, key.Co, Ho, Wo, key.dst_block);
  const memory::desc any_weights = {weight_dims, memory::data_type::f32, memory::format_tag::any};
  if (key.bias) bias_ = {{key.Co}, memory::data_type::f32, memory::format_tag::a};

  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const auto keep = [&](const auto& description, const memory::desc& packed) {
    implementation_ = description.impl_info_str();
    packed_ = packed;
    scratch_ = description.scratchpad_desc();
    primitive_ = dnnl::primitive(description);
  };
  try {
    const auto direct = dnnl::algorithm::convolution_direct;
    const dnnl::convolution_forward::primitive_desc forward(
        {key.direction == Direction::forward ? dnnl::prop_kind::forward_inference
                                             : dnnl::prop_kind::forward_training,
         direct, src_, any_weights, bias_, dst_, strides, before, after},
        attributes, engine);
    if (key.direction == Direction::forward) {
      keep(forward, forward.weights_desc());
    } else if (key.direction == Direction::dgrad) {
      const dnnl::convolution_backward_data::primitive_desc dgrad(
          {direct, src_, any_weights, dst_, strides, before, after}, attributes, engine, forward);
      keep(dgrad, dgrad.weights_desc());
    } else {
      const dnnl::convolution_backward_weights::primitive_desc wgrad(
          {direct, src_, any_weights, dst_, strides, before, after}, attributes, engine, forward);
      keep(wgrad, wgrad.diff_weights_desc());
    }
    using tag = memory::format_tag;
    const memory::desc plain = {weight_dims, memory::data_type::f32, key.transposed ? tag::bcda : tag::acdb};
    const bool wgrad = key.direction == Direction::wgrad, dgrad = key.direction == Direction::dgrad;
    const memory::desc &from = wgrad ? packed_ : plain, &to = wgrad ? plain : packed_;
    if (key.Co % 16 == 0 && !key.transposed && !dgrad) {
      // oneDNN's transposition in blocks of 16, then copies, take a half to a third of the time of one step.
      const memory::desc between = {weight_dims, memory::data_type::f32, tag::Acdb16a};
      between_floats_ = floats(between);
      add_reorder(from, between);
      add_reorder(between, to);
    } else {
      add_reorder(from, to);
    }
  } catch (const dnnl::error& error) {
    throw std::runtime_error("oneDNN has no convolution of " + describe(key) + " (" + error.what() + ")");
  }
  packed_floats_ = floats(packed_);
  scratch_floats_ = floats(scratch_);
}

void Convolution::run(const float* src, const float* packed, const float* dst, float* scratch,
                      const float* bias) const {
  const ThreadCount scope(key_.threads);
  const auto at = [&](const memory::desc& desc, const float* data) {
    return memory(desc, engine_, const_cast<float*>(data));
  };
  const bool dgrad = key_.direction == Direction::dgrad, wgrad = key_.direction == Direction::wgrad;
  try {
    std::unordered_map<int, memory> arguments = {{DNNL_ARG_SCRATCHPAD, at(scratch_, scratch)}};
    arguments.emplace(dgrad ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC, at(src_, src));
    arguments.emplace(wgrad ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS, at(packed_, packed));
    arguments.emplace(dgrad || wgrad ? DNNL_ARG_DIFF_DST : DNNL_ARG_DST, at(dst_, dst));
    if (key_.bias) arguments.emplace(DNNL_ARG_BIAS, at(bias_, bias));
    dnnl::stream stream(engine_);
    primitive_.execute(stream, arguments);
    stream.wait();
  } catch (const dnnl::error& error) {
    throw failed("run", key_, error);
  }
}

void Convolution::add_reorder(const memory::desc& from, const memory::desc& to) {
  const ThreadCount scope(key_.weight_threads);
  reorders_.push_back({from, to, dnnl::reorder({engine_, from, engine_, to})});
}

void Convolution::reorder(const float* from, float* to, float* between) const {
  const ThreadCount scope(key_.weight_threads);
  try {
    dnnl::stream stream(engine_);
    const auto run = [&](const Reorder& step, const float* in, float* out) {
      step.reorder.execute(stream, {{DNNL_ARG_FROM, memory(step.from, engine_, const_cast<float*>(in))},
                                    {DNNL_ARG_TO, memory(step.to, engine_, out)}});
    };
    run(reorders_.front(), from, reorders_.size() == 1 ? to : between);
    if (reorders_.size() == 2) run(reorders_.back(), between, to);
    stream.wait();
  } catch (const dnnl::error& error) {
    throw failed("reorder the weights of", key_, error);
  }
}

const Convolution& Primitives::convolution(const ConvolutionKey& key) {
  const std::lock_guard lock(mutex_);
  const auto found = convolutions_.find(key);
  if (found != convolutions_.end()) return *found->second;
  return *convolutions_.emplace(key, std::make_unique<Convolution>(key, engine_)).first->second;
}

std::vector<std::string> Primitives::implementations() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [key, convolution] : convolutions_) names.push_back(convolution->implementation());
  return names;
}

}  // namespace fermion::kernels
