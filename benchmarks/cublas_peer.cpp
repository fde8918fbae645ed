#include "benchmarks/cublas_peer.h"

#include "benchmarks/peer_library.h"
#include "engine/error.h"
#if FERMION_CUDA && __has_include(<cublas_v2.h>)
#include <cublas_v2.h>
#define HAS_CUBLAS 1
#endif

namespace fermion::benchmarks {

#if HAS_CUBLAS

#define FUNCTION(name) decltype(&::name) name = library.get<decltype(::name)>(#name)
struct Cublas::Library {
  PeerLibrary library{"libcublas.so.13"};
  FUNCTION(cublasCreate_v2);
  FUNCTION(cublasDestroy_v2);
  FUNCTION(cublasSetStream_v2);
  FUNCTION(cublasGetVersion_v2);
  FUNCTION(cublasGetStatusString);
  FUNCTION(cublasGemmStridedBatchedEx_64);
  cublasHandle_t handle = nullptr;

  void check(cublasStatus_t status) const {
    if (status != CUBLAS_STATUS_SUCCESS) throw engine::Error("cuBLAS: {}", cublasGetStatusString(status));
  }
};
#undef FUNCTION

namespace {

// cuBLAS knows columns only: a row-major matrix is to it the transpose, so each product is asked for
// transposed.
template <class Library>
class Products : public Peer {
 public:
  Products(const Library& library, const kernels::Linear& dims, Arithmetic arithmetic,
           const LayerTensors& tensors)
      : library_(library), dims_(dims), arithmetic_(arithmetic), tensors_(tensors) {}

  void run(Direction direction) override {
    const Matrix x{tensors_.x, dims_.Ci, dims_.M}, dx{tensors_.dx, dims_.Ci, dims_.M};
    const Matrix weight{tensors_.weight, dims_.Ci, dims_.Co}, dweight{tensors_.dweight, dims_.Ci, dims_.Co};
    const Matrix dy{tensors_.dy, dims_.Co, dims_.M}, y{tensors_.y, dims_.Co, dims_.M};
    switch (direction) {
      case Direction::forward:
        return multiply(weight, CUBLAS_OP_T, x, CUBLAS_OP_N, y, dims_.Ci);
      case Direction::dgrad:
        return multiply(weight, CUBLAS_OP_N, dy, CUBLAS_OP_N, dx, dims_.Co);
      case Direction::wgrad:
        return multiply(x, CUBLAS_OP_N, dy, CUBLAS_OP_T, dweight, dims_.M);
    }
  }

 private:
  struct Matrix {  // as cuBLAS sees it
    engine::Tensor tensor;
    std::int64_t rows, columns;
  };

  // c = op(a) op(b), the sum over `terms`.
  void multiply(const Matrix& a, cublasOperation_t op_a, const Matrix& b, cublasOperation_t op_b,
                const Matrix& c, std::int64_t terms) {
    const float one = 1, zero = 0;
    const cudaDataType_t type = arithmetic_ == Arithmetic::bf16 ? CUDA_R_16BF : CUDA_R_32F;
    library_.check(library_.cublasGemmStridedBatchedEx_64(
        library_.handle, op_a, op_b, c.rows, c.columns, terms, &one, a.tensor.address(), type, a.rows,
        a.rows * a.columns, b.tensor.address(), type, b.rows, b.rows * b.columns, &zero, c.tensor.address(),
        type, c.rows, c.rows * c.columns, dims_.K,
        arithmetic_ == Arithmetic::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F,
        CUBLAS_GEMM_DEFAULT));
  }

  const Library& library_;
  kernels::Linear dims_;
  Arithmetic arithmetic_;
  LayerTensors tensors_;
};

}  // namespace

Cublas::Cublas(engine::Device& device) : library_(std::make_unique<Library>()) {
  library_->check(library_->cublasCreate_v2(&library_->handle));
  library_->check(library_->cublasSetStream_v2(library_->handle, device.stream()));
}

Cublas::~Cublas() {
  if (library_->handle) library_->cublasDestroy_v2(library_->handle);
}

std::string Cublas::version() const {
  int number = 0;
  library_->check(library_->cublasGetVersion_v2(library_->handle, &number));
  return fmt::format("cuBLAS {}.{}.{}", number / 10000, number / 100 % 100, number % 100);
}

std::unique_ptr<Peer> Cublas::peer(const kernels::Linear& dims, Arithmetic arithmetic,
                                   const LayerTensors& tensors) {
  return std::make_unique<Products<Library>>(*library_, dims, arithmetic, tensors);
}

#else

struct Cublas::Library {};
Cublas::Cublas(engine::Device&) {
  throw engine::Error("this program was built without cuBLAS's headers");
}
Cublas::~Cublas() = default;
std::string Cublas::version() const {
  return {};
}
std::unique_ptr<Peer> Cublas::peer(const kernels::Linear&, Arithmetic, const LayerTensors&) {
  return nullptr;
}

#endif

}  // namespace fermion::benchmarks
