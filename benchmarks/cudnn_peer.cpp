#include "benchmarks/cudnn_peer.h"

#include <map>

#include "benchmarks/peer_library.h"
#include "engine/error.h"
#if FERMION_CUDA && __has_include(<cudnn.h>)
#include <cudnn.h>
#define HAS_CUDNN 1
#endif

namespace fermion::benchmarks {

#if HAS_CUDNN

#define FUNCTION(name) decltype(&::name) name = library.get<decltype(::name)>(#name)
struct Cudnn::Library {
  PeerLibrary library{"libcudnn.so.9"};
  FUNCTION(cudnnCreate);
  FUNCTION(cudnnDestroy);
  FUNCTION(cudnnSetStream);
  FUNCTION(cudnnGetVersion);
  FUNCTION(cudnnGetErrorString);
  FUNCTION(cudnnCreateTensorDescriptor);
  FUNCTION(cudnnSetTensor4dDescriptor);
  FUNCTION(cudnnDestroyTensorDescriptor);
  FUNCTION(cudnnCreateFilterDescriptor);
  FUNCTION(cudnnSetFilter4dDescriptor);
  FUNCTION(cudnnDestroyFilterDescriptor);
  FUNCTION(cudnnCreateConvolutionDescriptor);
  FUNCTION(cudnnSetConvolution2dDescriptor);
  FUNCTION(cudnnSetConvolutionMathType);
  FUNCTION(cudnnDestroyConvolutionDescriptor);
  FUNCTION(cudnnFindConvolutionForwardAlgorithm);
  FUNCTION(cudnnFindConvolutionBackwardDataAlgorithm);
  FUNCTION(cudnnFindConvolutionBackwardFilterAlgorithm);
  FUNCTION(cudnnConvolutionForward);
  FUNCTION(cudnnConvolutionBackwardData);
  FUNCTION(cudnnConvolutionBackwardFilter);
  cudnnHandle_t handle = nullptr;

  void check(cudnnStatus_t status) const {
    if (status != CUDNN_STATUS_SUCCESS) throw engine::Error("cuDNN: {}", cudnnGetErrorString(status));
  }
};
#undef FUNCTION

namespace {

// What cuDNN found for one direction.
struct Choice {
  int algorithm = 0;
  cudnnMathType_t math{};
  engine::Tensor workspace;
};

template <class Library>
class Convolutions : public Peer {
 public:
  Convolutions(const Library& library, const kernels::Conv2d& dims, Arithmetic arithmetic,
               const LayerTensors& tensors)
      : library_(library), dims_(dims), arithmetic_(arithmetic), tensors_(tensors) {
    const auto number = [](std::int64_t n) { return static_cast<int>(n); };
    const cudnnDataType_t type = arithmetic == Arithmetic::bf16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
    const int side = number(dims.kernel), padding = number(dims.padding()), stride = number(dims.stride);
    check(library_.cudnnCreateTensorDescriptor(&x_));
    check(library_.cudnnCreateTensorDescriptor(&y_));
    check(library_.cudnnCreateFilterDescriptor(&weight_));
    check(library_.cudnnCreateConvolutionDescriptor(&convolution_));
    // Sizes in the order N, C, H, W whatever the layout; filters Co, Ci, Kh, Kw.
    check(library_.cudnnSetTensor4dDescriptor(x_, CUDNN_TENSOR_NHWC, type, number(dims.N), number(dims.Ci()),
                                              number(dims.H), number(dims.W)));
    check(library_.cudnnSetTensor4dDescriptor(y_, CUDNN_TENSOR_NHWC, type, number(dims.N), number(dims.Co),
                                              number(dims.Ho()), number(dims.Wo())));
    check(library_.cudnnSetFilter4dDescriptor(weight_, type, CUDNN_TENSOR_NHWC, number(dims.Co),
                                              number(dims.Ci()), side, side));
    check(library_.cudnnSetConvolution2dDescriptor(convolution_, padding, padding, stride, stride, 1, 1,
                                                   CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT));
  }
  ~Convolutions() override {
    library_.cudnnDestroyConvolutionDescriptor(convolution_);
    library_.cudnnDestroyFilterDescriptor(weight_);
    library_.cudnnDestroyTensorDescriptor(y_);
    library_.cudnnDestroyTensorDescriptor(x_);
  }

  void run(Direction direction) override {
    const Choice& choice = chosen(direction);
    check(library_.cudnnSetConvolutionMathType(convolution_, choice.math));
    const float one = 1, zero = 0;
    void* scratch = choice.workspace ? choice.workspace.address() : nullptr;
    const std::size_t bytes = choice.workspace ? choice.workspace.bytes() : 0;
    for (std::int64_t k = 0; k < dims_.K; ++k) switch (direction) {
        case Direction::forward:
          check(library_.cudnnConvolutionForward(library_.handle, &one, x_, at(tensors_.x, k), weight_,
                                                 at(tensors_.weight, k), convolution_,
                                                 static_cast<cudnnConvolutionFwdAlgo_t>(choice.algorithm),
                                                 scratch, bytes, &zero, y_, at(tensors_.y, k)));
          break;
        case Direction::dgrad:
          check(library_.cudnnConvolutionBackwardData(
              library_.handle, &one, weight_, at(tensors_.weight, k), y_, at(tensors_.dy, k), convolution_,
              static_cast<cudnnConvolutionBwdDataAlgo_t>(choice.algorithm), scratch, bytes, &zero, x_,
              at(tensors_.dx, k)));
          break;
        case Direction::wgrad:
          check(library_.cudnnConvolutionBackwardFilter(
              library_.handle, &one, x_, at(tensors_.x, k), y_, at(tensors_.dy, k), convolution_,
              static_cast<cudnnConvolutionBwdFilterAlgo_t>(choice.algorithm), scratch, bytes, &zero, weight_,
              at(tensors_.dweight, k)));
      }
  }

 private:
  void check(cudnnStatus_t status) const { library_.check(status); }
  // Of weight set k.
  void* at(const engine::Tensor& tensor, std::int64_t k) const { return tensor.slice(k, k + 1).address(); }

  const Choice& chosen(Direction direction) {
    const auto known = choices_.find(direction);
    if (known != choices_.end()) return known->second;
    // FMA allows f32 arithmetic alone; the default allows TF32.
    const cudnnMathType_t math = arithmetic_ == Arithmetic::f32    ? CUDNN_FMA_MATH
                                 : arithmetic_ == Arithmetic::tf32 ? CUDNN_DEFAULT_MATH
                                                                   : CUDNN_TENSOR_OP_MATH;
    check(library_.cudnnSetConvolutionMathType(convolution_, math));
    constexpr int most = 16;
    int found = 0;
    const auto best = [&](const auto& results) {
      for (int i = 0; i < found; ++i)
        if (results[i].status == CUDNN_STATUS_SUCCESS) return choose(direction, math, results[i]);
      throw engine::Error("cuDNN: no algorithm");
    };
    if (direction == Direction::forward) {
      cudnnConvolutionFwdAlgoPerf_t results[most];
      check(library_.cudnnFindConvolutionForwardAlgorithm(library_.handle, x_, weight_, convolution_, y_,
                                                          most, &found, results));
      return *best(results);
    }
    if (direction == Direction::dgrad) {
      cudnnConvolutionBwdDataAlgoPerf_t results[most];
      check(library_.cudnnFindConvolutionBackwardDataAlgorithm(library_.handle, weight_, y_, convolution_, x_,
                                                               most, &found, results));
      return *best(results);
    }
    cudnnConvolutionBwdFilterAlgoPerf_t results[most];
    check(library_.cudnnFindConvolutionBackwardFilterAlgorithm(library_.handle, x_, y_, convolution_, weight_,
                                                               most, &found, results));
    return *best(results);
  }

  // `result` is the fastest that works. With f32 the restriction stays, whatever it says.
  template <class Result>
  const Choice* choose(Direction direction, cudnnMathType_t math, const Result& result) {
    Choice choice{result.algo, arithmetic_ == Arithmetic::f32 ? math : result.mathType, {}};
    if (result.memory > 0)
      choice.workspace = engine::Tensor::empty(tensors_.x.device(), engine::DType::u8,
                                               {static_cast<std::int64_t>(result.memory)});
    return &(choices_[direction] = choice);
  }

  const Library& library_;
  kernels::Conv2d dims_;
  Arithmetic arithmetic_;
  LayerTensors tensors_;
  cudnnTensorDescriptor_t x_ = nullptr, y_ = nullptr;
  cudnnFilterDescriptor_t weight_ = nullptr;
  cudnnConvolutionDescriptor_t convolution_ = nullptr;
  std::map<Direction, Choice> choices_;
};

}  // namespace

Cudnn::Cudnn(engine::Device& device) : library_(std::make_unique<Library>()) {
  library_->check(library_->cudnnCreate(&library_->handle));
  library_->check(library_->cudnnSetStream(library_->handle, device.stream()));
}

Cudnn::~Cudnn() {
  if (library_->handle) library_->cudnnDestroy(library_->handle);
}

std::string Cudnn::version() const {
  const std::size_t number = library_->cudnnGetVersion();
  return fmt::format("cuDNN {}.{}.{}", number / 10000, number / 100 % 100, number % 100);
}

std::unique_ptr<Peer> Cudnn::peer(const kernels::Conv2d& dims, Arithmetic arithmetic,
                                  const LayerTensors& tensors) {
  return std::make_unique<Convolutions<Library>>(*library_, dims, arithmetic, tensors);
}

#else

struct Cudnn::Library {};
Cudnn::Cudnn(engine::Device&) {
  throw engine::Error("this program was built without cuDNN's headers");
}
Cudnn::~Cudnn() = default;
std::string Cudnn::version() const {
  return {};
}
std::unique_ptr<Peer> Cudnn::peer(const kernels::Conv2d&, Arithmetic, const LayerTensors&) {
  return nullptr;
}

#endif

}  // namespace fermion::benchmarks
