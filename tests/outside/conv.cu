// CUTLASS's convolutions that apply a norm and ReLU on load, as its examples 25 and 26 assemble them:
// implicit GEMM, tiles of 128x128x32, f16 with sums and results in f32.
//   value(x) = max(0, round(scale[c] x + shift[c])), and 0 in the padding
//   forward  y[n,p,q,k] = sum over r,s,c of value(x[n,p stride+r-pad,q stride+s-pad,c]) w[k,r,s,c]
//   wgrad    dw[k,r,s,c] = sum over n,p,q of dy[n,p,q,k] value(x[...])
// The numbers have so few bits that every sum is exact in f32; only value() rounds, to f16, and the reference
// rounds with it. So no difference is allowed.
#include <cutlass/conv/conv2d_problem_size.h>
#include <cutlass/conv/device/implicit_gemm_convolution_fusion.h>
#include <cutlass/conv/kernel/default_conv2d_fprop_fusion.h>
#include <cutlass/conv/kernel/default_conv2d_wgrad_fusion.h>

#include "judge.h"

namespace {

using cutlass::half_t;
using NHWC = cutlass::layout::TensorNHWC;
using RowMajor = cutlass::layout::RowMajor;
using Tile = cutlass::gemm::GemmShape<128, 128, 32>;
using WarpTile = cutlass::gemm::GemmShape<64, 64, 32>;
using Mma = cutlass::gemm::GemmShape<16, 8, 16>;
using Store = cutlass::epilogue::thread::LinearCombination<float, 4, float, float>;
using Order = cutlass::gemm::threadblock::GemmIdentityThreadblockSwizzle<>;

using Forward =
    cutlass::conv::device::ImplicitGemmConvolutionFusion<cutlass::conv::kernel::DefaultConv2dFpropFusion<
        half_t, NHWC, half_t, NHWC, half_t, RowMajor, float, NHWC, float, cutlass::arch::OpClassTensorOp,
        cutlass::arch::Sm80, Tile, WarpTile, Mma, Store, Order, 4, cutlass::arch::OpMultiplyAdd,
        cutlass::conv::IteratorAlgorithm::kOptimized>::Kernel>;
using Wgrad =
    cutlass::conv::device::ImplicitGemmConvolutionFusion<cutlass::conv::kernel::DefaultConv2dWgradFusion<
        half_t, NHWC, half_t, NHWC, half_t, RowMajor, float, NHWC, float, cutlass::arch::OpClassTensorOp,
        cutlass::arch::Sm80, Tile, WarpTile, Mma, Store, Order, 5, cutlass::arch::OpMultiplyAdd,
        cutlass::conv::IteratorAlgorithm::kOptimized>::Kernel>;

struct Shape {
  int images, size, channels, filters, kernel = 3, stride = 1;

  int pad() const { return kernel / 2; }
  int out() const { return (size + 2 * pad() - kernel) / stride + 1; }
  size_t inputs() const { return size_t(images) * size * size * channels; }
  size_t outputs() const { return size_t(images) * out() * out() * filters; }
  size_t weights() const { return size_t(filters) * kernel * kernel * channels; }
  cutlass::conv::Conv2dProblemSize problem(int slices) const {
    return {{images, size, size, channels},
            {filters, kernel, kernel, channels},
            {pad(), pad(), pad(), pad()},
            {stride, stride},
            {1, 1},
            {images, out(), out(), filters},
            cutlass::conv::Mode::kCrossCorrelation,
            slices};
  }
  std::string text() const {
    const auto number = [](int i) { return std::to_string(i); };
    return number(images) + "x" + number(size) + "x" + number(size) + ", " + number(channels) + " -> " +
           number(filters) + ", " + number(kernel) + "x" + number(kernel) +
           (stride > 1 ? " by " + number(stride) : "");
  }
};

struct Inputs {
  std::vector<half_t> x, w, dy, scale, shift;
  explicit Inputs(const Shape& s)
      : x(judge::numbers<half_t>(s.inputs(), 1, 1. / 32, 2)),
        w(judge::numbers<half_t>(s.weights(), 2, 1. / 4, 1)),
        dy(judge::numbers<half_t>(s.outputs(), 3, 1. / 4, 1)),
        scale(judge::numbers<half_t>(s.channels, 4, 1. / 64, 1)),
        shift(judge::numbers<half_t>(s.channels, 5, 1. / 2048, 0.25)) {}
};

// Calls visit(output, weight, input, value) for every product of the convolution.
template <class Visit>
void for_each_product(const Shape& s, const Inputs& in, Visit visit) {
  std::vector<double> value(s.inputs());
  for (size_t i = 0; i < value.size(); i++) {
    const int c = i % s.channels;
    const double normed = double(in.x[i]) * double(in.scale[c]) + double(in.shift[c]);
    value[i] = std::max(0., double(half_t(float(normed))));
  }
  for (int n = 0; n < s.images; n++)
    for (int p = 0; p < s.out(); p++)
      for (int q = 0; q < s.out(); q++)
        for (int k = 0; k < s.filters; k++)
          for (int r = 0; r < s.kernel; r++)
            for (int t = 0; t < s.kernel; t++) {
              const int h = p * s.stride + r - s.pad(), v = q * s.stride + t - s.pad();
              if (h < 0 || h >= s.size || v < 0 || v >= s.size) continue;
              const size_t y = ((size_t(n) * s.out() + p) * s.out() + q) * s.filters + k,
                           w = ((size_t(k) * s.kernel + r) * s.kernel + t) * s.channels,
                           x = ((size_t(n) * s.size + h) * s.size + v) * s.channels;
              for (int c = 0; c < s.channels; c++) visit(y, w + c, value[x + c]);
            }
}

NHWC packed(int height, int width, int channels) {
  return NHWC::packed({1, height, width, channels});
}

template <class Operator>
void launch(const typename Operator::Arguments& arguments) {
  Operator convolution;
  judge::Buffer<char> workspace(std::max<size_t>(Operator::get_workspace_size(arguments), 1));
  judge::require(Operator::can_implement(arguments) == cutlass::Status::kSuccess,
                 "CUTLASS: this shape it cannot do");
  judge::require(convolution.initialize(arguments, workspace.data()) == cutlass::Status::kSuccess &&
                     convolution() == cutlass::Status::kSuccess,
                 "CUTLASS: the launch failed");
  judge::check(cudaDeviceSynchronize());
}

std::vector<double> forward(const Shape& s, const Inputs& in) {
  const judge::Buffer<half_t> x(in.x), w(in.w), scale(in.scale), shift(in.shift);
  const judge::Buffer<float> y(s.outputs());
  const NHWC y_layout = packed(s.out(), s.out(), s.filters);
  launch<Forward>({s.problem(1),
                   {x.data(), packed(s.size, s.size, s.channels)},
                   {w.data(), packed(s.kernel, s.kernel, s.channels)},
                   {scale.data(), RowMajor(s.channels)},
                   {shift.data(), RowMajor(s.channels)},
                   {y.data(), y_layout},
                   {y.data(), y_layout},
                   {1, 0}});
  return y.values();
}

// The pixels are shared out among `slices` blocks, which add to dw one after another.
std::vector<double> wgrad(const Shape& s, const Inputs& in, int slices) {
  const judge::Buffer<half_t> x(in.x), dy(in.dy), scale(in.scale), shift(in.shift);
  const judge::Buffer<float> dw(s.weights());
  const NHWC w_layout = packed(s.kernel, s.kernel, s.channels);
  launch<Wgrad>({s.problem(slices),
                 {dy.data(), packed(s.out(), s.out(), s.filters)},
                 {x.data(), packed(s.size, s.size, s.channels)},
                 {scale.data(), RowMajor(s.channels)},
                 {shift.data(), RowMajor(s.channels)},
                 {dw.data(), w_layout},
                 {dw.data(), w_layout},
                 {1, 0}});
  return dw.values();
}

std::vector<judge::Row> check_forward(const Shape& s) {
  const Inputs in(s);
  std::vector<double> expected(s.outputs());
  for_each_product(s, in, [&](size_t i, size_t j, double value) { expected[i] += value * double(in.w[j]); });
  return {{"y", judge::largest_error(forward(s, in), expected), 0}};
}
std::vector<judge::Row> check_wgrad(const Shape& s, int slices) {
  const Inputs in(s);
  std::vector<double> expected(s.weights());
  for_each_product(s, in, [&](size_t i, size_t j, double value) { expected[j] += value * double(in.dy[i]); });
  return {{"dw", judge::largest_error(wgrad(s, in, slices), expected), 0}};
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<judge::Case> cases;
  for (const Shape& s :
       {Shape{2, 9, 32, 40}, Shape{1, 13, 72, 136}, Shape{2, 14, 64, 64, 3, 2}, Shape{3, 7, 96, 48, 1}}) {
    cases.push_back({"CUTLASS convolution", s.text(), [=] { return check_forward(s); }});
    cases.push_back({"CUTLASS wgrad", s.text(), [=] { return check_wgrad(s, 1); }});
  }
  const Shape sliced{3, 14, 64, 64};
  cases.push_back({"CUTLASS wgrad, 4 slices", sliced.text(), [=] { return check_wgrad(sliced, 4); }});

  // The levels of lnl-base, with as many images as make 12544 pixels: whole tiles.
  std::vector<judge::Measured> measured;
  for (const Shape& s : {Shape{1, 112, 32, 32}, Shape{4, 56, 64, 64}, Shape{16, 28, 128, 128},
                         Shape{64, 14, 256, 256}, Shape{256, 7, 512, 512}}) {
    const double flops = 2. * s.outputs() * s.kernel * s.kernel * s.channels;
    measured.push_back({"CUTLASS convolution", s.text(), "", flops, [=] { forward(s, Inputs(s)); }});
    measured.push_back({"CUTLASS wgrad", s.text(), "", flops, [=] { wgrad(s, Inputs(s), 1); }});
  }
  return judge::run(argc, argv, cases, measured);
}
