#include "benchmarks/compared_layer.h"

namespace fermion::benchmarks {
namespace {

using engine::Device;
using engine::DType;
using engine::Shape;
using engine::Tensor;

// In [-1, 1); for bf16 activations exact in bf16, for ours reads weights in f32 and the peer in bf16.
std::vector<float> numbers(std::int64_t count, std::uint64_t seed, DType dtype) {
  std::vector<float> values(static_cast<std::size_t>(count));
  std::uint64_t state = seed;
  for (float& value : values) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    value = static_cast<float>(static_cast<double>(state >> 32) * 0x1p-31 - 1);
    if (dtype == DType::bf16) value = kernels::to_float(kernels::from_float<kernels::bf16>(value));
  }
  return values;
}

Tensor tensor(Device& device, DType dtype, Shape shape, const std::vector<float>& values) {
  if (dtype == DType::f32) return Tensor::from<float>(device, shape, values);
  std::vector<kernels::bf16> rounded(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) rounded[i] = kernels::from_float<kernels::bf16>(values[i]);
  return Tensor::from<kernels::bf16>(device, shape, rounded);
}

LayerTensors tensors(Device& device, DType dtype, Shape x, Shape weight, Shape y) {
  return {.x = tensor(device, dtype, x, numbers(x.size(), 1, dtype)),
          .weight = tensor(device, dtype, weight, numbers(weight.size(), 2, dtype)),
          .dy = tensor(device, dtype, y, numbers(y.size(), 3, dtype)),
          .y = Tensor::zeros(device, dtype, y),
          .dx = Tensor::zeros(device, dtype, x),
          .dweight = Tensor::zeros(device, dtype, weight)};
}

// Columns begin .. begin + count of the rows of `all`.
std::vector<float> columns(const std::vector<float>& all, std::int64_t width, std::int64_t begin,
                           std::int64_t count) {
  std::vector<float> part;
  part.reserve(all.size() / static_cast<std::size_t>(width) * static_cast<std::size_t>(count));
  for (std::size_t row = 0; row < all.size(); row += static_cast<std::size_t>(width)) {
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(row) + begin;
    part.insert(part.end(), first, first + count);
  }
  return part;
}

class ConvLayer : public ComparedLayer {
 public:
  ConvLayer(Device& device, const std::string& name, const kernels::Conv2d& dims, DType dtype)
      : device_(device), dims_(dims), dtype_(dtype) {
    const kernels::Conv2d& d = dims_;
    const Shape x{d.K, d.N, d.H, d.W, d.Ci()}, weight{d.K, d.Co, d.kernel, d.kernel, d.Ci()};
    this->name = name;
    tensors = benchmarks::tensors(device, dtype, x, weight, {d.K, d.N, d.Ho(), d.Wo(), d.Co});
    inputs = d.kernel * d.kernel * d.Ci();
    outputs = d.kernel * d.kernel * d.Co;
    rows = d.N * d.Ho() * d.Wo();
    wants_dx = d.Ci() > 3;
    const std::vector<float> values = numbers(x.size(), 1, dtype);
    std::int64_t begin = 0;
    for (const std::int64_t channels : {d.first_channels, d.second_channels}) {
      const Shape part{d.K, d.N, d.H, d.W, channels};
      x_.push_back(tensor(device, dtype, part, columns(values, d.Ci(), begin, channels)));
      dx_.push_back(Tensor::zeros(device, dtype, part));
      begin += channels;
    }
    weight_ = tensor(device, DType::f32, weight, numbers(weight.size(), 2, dtype));
    dweight_ = Tensor::zeros(device, DType::f32, weight);
    y_ = Tensor::zeros(device, dtype, tensors.y.shape());
  }

  void run(Direction direction) override {
    device_.run("conv2d", dtype_, [&]<class T>(auto ctx, engine::Type<T>) {
      const bool two = dims_.second_channels > 0;
      const kernels::Conv2dInput<T> x{{x_[0].data<T>(), {}}, {two ? x_[1].data<T>() : nullptr, {}}};
      if (direction == Direction::forward)
        return kernels::conv2d_forward(ctx, dims_, x, weight_.data<float>(), {.y = y_.data<T>()});
      kernels::Conv2dGradient<T> gradient;
      if (direction == Direction::wgrad) gradient.weight = {dweight_.data<float>()};
      if (direction == Direction::dgrad) gradient.first.da = {dx_[0].data<T>()};
      if (direction == Direction::dgrad && two) gradient.second.da = {dx_[1].data<T>()};
      kernels::conv2d_backward(ctx, dims_, x, weight_.data<float>(), {y_.data<T>(), {}},
                               {.da = tensors.dy.data<T>()}, gradient);
    });
  }

  std::vector<float> result(Direction direction) const override {
    if (direction == Direction::forward) return y_.floats_to_host();
    if (direction == Direction::wgrad) return dweight_.floats_to_host();
    const std::vector<float> first = dx_[0].floats_to_host(), second = dx_[1].floats_to_host();
    std::vector<float> both;
    for (std::int64_t p = 0; p < dims_.K * dims_.N * dims_.H * dims_.W; ++p) {
      both.insert(both.end(), first.begin() + p * dims_.first_channels,
                  first.begin() + (p + 1) * dims_.first_channels);
      both.insert(both.end(), second.begin() + p * dims_.second_channels,
                  second.begin() + (p + 1) * dims_.second_channels);
    }
    return both;
  }

 private:
  Device& device_;
  kernels::Conv2d dims_;
  DType dtype_;
  std::vector<Tensor> x_, dx_;  // of both inputs; the second may be empty
  Tensor weight_, dweight_, y_;
};

class LinearLayer : public ComparedLayer {
 public:
  LinearLayer(Device& device, const std::string& name, const kernels::Linear& dims, DType dtype)
      : device_(device), dims_(dims), dtype_(dtype) {
    const kernels::Linear& d = dims_;
    const Shape weight{d.K, d.Co, d.Ci};
    this->name = name;
    tensors = benchmarks::tensors(device, dtype, {d.K, d.M, d.Ci}, weight, {d.K, d.M, d.Co});
    inputs = d.Ci, outputs = d.Co, rows = d.M;
    weight_ = tensor(device, DType::f32, weight, numbers(weight.size(), 2, dtype));
    dweight_ = Tensor::zeros(device, DType::f32, weight);
    y_ = Tensor::zeros(device, dtype, tensors.y.shape());
    dx_ = Tensor::zeros(device, dtype, tensors.x.shape());
  }

  void run(Direction direction) override {
    device_.run("linear", dtype_, [&]<class T>(auto ctx, engine::Type<T>) {
      const T *x = tensors.x.data<T>(), *dy = tensors.dy.data<T>();
      const float* weight = weight_.data<float>();
      if (direction == Direction::forward)
        kernels::linear_forward(ctx, dims_, x, weight, nullptr, y_.data<T>());
      else if (direction == Direction::dgrad)
        kernels::linear_backward(ctx, dims_, x, weight, dy, {dx_.data<T>()}, {}, {});
      else
        kernels::linear_backward(ctx, dims_, x, weight, dy, {}, {dweight_.data<float>()}, {});
    });
  }

  std::vector<float> result(Direction direction) const override {
    return (direction == Direction::forward ? y_
            : direction == Direction::dgrad ? dx_
                                            : dweight_)
        .floats_to_host();
  }

 private:
  Device& device_;
  kernels::Linear dims_;
  DType dtype_;
  Tensor weight_, dweight_, y_, dx_;
};

}  // namespace

double ComparedLayer::terms(Direction direction) const {
  return static_cast<double>(direction == Direction::forward ? inputs
                             : direction == Direction::dgrad ? outputs
                                                             : rows);
}

double ComparedLayer::flops() const {
  return 2.0 * static_cast<double>(tensors.y.size()) * static_cast<double>(inputs);
}

std::unique_ptr<ComparedLayer> compared(Device& device, const std::string& name, const kernels::Conv2d& dims,
                                        DType dtype) {
  return std::make_unique<ConvLayer>(device, name, dims, dtype);
}

std::unique_ptr<ComparedLayer> compared(Device& device, const std::string& name, const kernels::Linear& dims,
                                        DType dtype) {
  return std::make_unique<LinearLayer>(device, name, dims, dtype);
}

}  // namespace fermion::benchmarks
