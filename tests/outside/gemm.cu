// CUTLASS's GEMM on tensor cores: d = alpha a b + beta c; a [m,k] by rows; b [k,n] by columns (tf32) or rows
// (bf16); c and d [m,n] by rows, in f32. The numbers have so few bits that every sum is exact in f32: no
// difference is allowed.
#include <cutlass/gemm/device/gemm.h>
#include <cutlass/gemm/device/gemm_universal.h>
#include <cutlass/gemm/device/gemm_universal_base.h>
#include <cutlass/gemm/threadblock/threadblock_swizzle_streamk.h>

#include "judge.h"

namespace {

using RowMajor = cutlass::layout::RowMajor;
using ColumnMajor = cutlass::layout::ColumnMajor;
using cutlass::bfloat16_t;
using Store = cutlass::epilogue::thread::LinearCombination<float, 4, float, float>;
using Order = cutlass::gemm::threadblock::GemmIdentityThreadblockSwizzle<>;
template <int M, int N, int K>
using Shape = cutlass::gemm::GemmShape<M, N, K>;

using Tf32 =
    cutlass::gemm::device::Gemm<float, RowMajor, float, ColumnMajor, float, RowMajor, float,
                                cutlass::arch::OpClassTensorOp, cutlass::arch::Sm80, Shape<128, 128, 16>,
                                Shape<64, 64, 16>, Shape<16, 8, 8>, Store, Order, 4>;
// The blocks that share a tile add to it one after another.
using Bf16 =
    cutlass::gemm::device::Gemm<bfloat16_t, RowMajor, bfloat16_t, RowMajor, float, RowMajor, float,
                                cutlass::arch::OpClassTensorOp, cutlass::arch::Sm80, Shape<128, 64, 32>,
                                Shape<64, 32, 32>, Shape<16, 8, 16>, Store, Order, 3, 8, 8, true>;
// A wave of blocks shares out all steps of all tiles; the sums of a tile meet in a workspace.
using StreamK =
    cutlass::gemm::device::GemmUniversal<bfloat16_t, RowMajor, bfloat16_t, RowMajor, float, RowMajor, float,
                                         cutlass::arch::OpClassTensorOp, cutlass::arch::Sm80,
                                         Shape<64, 64, 32>, Shape<32, 32, 32>, Shape<16, 8, 16>, Store,
                                         cutlass::gemm::threadblock::ThreadblockSwizzleStreamK, 3, 8, 8>;

// What lies past the edges of the matrices is set to zero in shared memory. The kernels above leave it as it
// is: a report for each, as known_reports.txt says.
using Cleared = cutlass::gemm::device::GemmUniversalBase<typename cutlass::gemm::kernel::DefaultGemmUniversal<
    bfloat16_t, RowMajor, cutlass::ComplexTransform::kNone, 8, bfloat16_t, RowMajor,
    cutlass::ComplexTransform::kNone, 8, float, RowMajor, float, cutlass::arch::OpClassTensorOp,
    cutlass::arch::Sm80, Shape<128, 64, 32>, Shape<64, 32, 32>, Shape<16, 8, 16>, Store, Order, 3,
    cutlass::arch::OpMultiplyAdd, cutlass::gemm::SharedMemoryClearOption::kZfill>::GemmKernel>;

struct Product {
  int m, n, k;
  float alpha = 1, beta = 0;
  int slices = 1;  // of k; with Stream-K, blocks in a wave

  std::string text() const {
    return std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k) +
           (beta ? ", adds to c" : "");
  }
};

template <class Gemm>
typename Gemm::Arguments arguments(const Product& p, const typename Gemm::ElementA* a,
                                   const typename Gemm::ElementB* b, const float* c, float* d) {
  const int ldb = std::is_same_v<typename Gemm::LayoutB, RowMajor> ? p.n : p.k;
  if constexpr (std::is_same_v<Gemm, Cleared>)
    return {cutlass::gemm::GemmUniversalMode::kGemm,
            {p.m, p.n, p.k},
            p.slices,
            {p.alpha, p.beta},
            a,
            b,
            c,
            d,
            0,
            0,
            0,
            0,
            int64_t(p.k),
            int64_t(ldb),
            int64_t(p.n),
            int64_t(p.n)};
  else if constexpr (std::is_same_v<Gemm, StreamK>)
    return {cutlass::gemm::GemmUniversalMode::kGemm,
            {p.m, p.n, p.k},
            1,
            {p.alpha, p.beta},
            a,
            b,
            c,
            d,
            0,
            0,
            0,
            0,
            int64_t(p.k),
            int64_t(ldb),
            int64_t(p.n),
            int64_t(p.n),
            p.slices};
  else
    return {{p.m, p.n, p.k}, {a, p.k}, {b, ldb}, {c, p.n}, {d, p.n}, {p.alpha, p.beta}, p.slices};
}

template <class Gemm>
std::vector<judge::Row> multiply(const Product& p) {
  using Element = typename Gemm::ElementA;
  const auto a = judge::numbers<Element>(size_t(p.m) * p.k, 1, 1. / 32, 2),
             b = judge::numbers<Element>(size_t(p.k) * p.n, 2, 1. / 32, 2);
  const auto c = judge::numbers<float>(size_t(p.m) * p.n, 3, 1. / 8, 8);
  const judge::Buffer<Element> a_device(a), b_device(b);
  const judge::Buffer<float> c_device(c), d(c.size());

  const auto args = arguments<Gemm>(p, a_device.data(), b_device.data(), c_device.data(), d.data());
  judge::Buffer<char> workspace(std::max<size_t>(Gemm::get_workspace_size(args), 1));
  Gemm gemm;
  judge::require(gemm.initialize(args, workspace.data()) == cutlass::Status::kSuccess &&
                     gemm() == cutlass::Status::kSuccess,
                 "CUTLASS: the launch failed");
  judge::check(cudaDeviceSynchronize());

  const bool b_rows = std::is_same_v<typename Gemm::LayoutB, RowMajor>;
  std::vector<double> expected(c.size());
  for (int i = 0; i < p.m; i++)
    for (int j = 0; j < p.n; j++) {
      double sum = 0;
      for (int l = 0; l < p.k; l++)
        sum += double(a[size_t(i) * p.k + l]) * double(b[b_rows ? size_t(l) * p.n + j : size_t(j) * p.k + l]);
      expected[size_t(i) * p.n + j] = p.alpha * sum + p.beta * c[size_t(i) * p.n + j];
    }
  return {{"d", judge::largest_error(d.values(), expected), 0}};
}

}  // namespace

int main(int argc, char** argv) {
  const auto product = [](const char* kernel, auto multiply, Product p) {
    return judge::Case{kernel, p.text(), [=] { return multiply(p); }};
  };
  return judge::run(argc, argv,
                    {product("CUTLASS GEMM tf32", multiply<Tf32>, {128, 128, 64}),
                     product("CUTLASS GEMM tf32", multiply<Tf32>, {130, 196, 76, 0.5, -1}),
                     product("CUTLASS GEMM bf16", multiply<Bf16>, {100, 200, 72, 2, 1}),
                     product("CUTLASS GEMM bf16, edges cleared", multiply<Cleared>, {100, 200, 72, 2, 1}),
                     product("CUTLASS GEMM bf16, 3 slices", multiply<Bf16>, {150, 72, 304, 1, 0, 3}),
                     product("CUTLASS GEMM bf16, Stream-K", multiply<StreamK>, {200, 136, 520, 1, 0, 7})},
                    {});
}
