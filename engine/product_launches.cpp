#include "engine/product_launches.h"

#include <fmt/core.h>

#include "kernels/attention_mma.h"
#include "kernels/conv_forward_mma.h"
#include "kernels/conv_gradient_mma.h"
#include "kernels/conv_images_mma.h"
#include "kernels/conv_tiles.h"
#include "kernels/conv_transpose2d_mma.h"
#include "kernels/gemm.h"

namespace fermion::engine {
namespace {

using kernels::blocks_for;
using kernels::Conv2d;
using kernels::ConvTranspose2d;
using kernels::Work;
using Launches = std::vector<Launch>;

// A gradient by weights: where its sum is made in parts, another launch puts them together and writes it.
void add_wgrad(Launches& to, Launch launch, std::int64_t splits) {
  if (splits == 1) return to.push_back(launch);
  const double weight_bytes = launch.work.other_bytes;
  launch.work.other_bytes = 0;
  launch.scratch = static_cast<double>(splits) * weight_bytes;
  to.push_back(launch);
  to.push_back({"add", {0, weight_bytes}, false, launch.scratch});
}

void append(Launches& to, const Launches& more) {
  to.insert(to.end(), more.begin(), more.end());
}

// Of `tiles` by blocks of of_block tiles, one at a time on a multiprocessor, for each of `columns`; a round
// takes as long whether blocks have tiles in it or not.
double fill(const OpCall& call, std::int64_t tiles, std::int64_t of_block, std::int64_t columns) {
  const std::int64_t items = blocks_for(tiles, of_block),
                     blocks = kernels::blocks_in_rounds(items, call.multiprocessors / columns),
                     rounds = blocks_for(items, blocks) * blocks_for(blocks * columns, call.multiprocessors);
  return static_cast<double>(tiles * columns) / static_cast<double>(rounds * of_block * call.multiprocessors);
}

std::string in_words(const kernels::PixelTiles& tiles) {
  return fmt::format("{} tiles of {} x {} px{}", tiles.count, tiles.rows * tiles.up, tiles.width * tiles.up,
                     tiles.images > 1 ? fmt::format(", {} images", tiles.images) : "");
}

// kernels/conv_wgrad_launch.cuh.
void add_tensor_core_wgrad(Launches& to, const OpCall& call, const Conv2d& dims) {
  const auto [made, read] = kernels::wgrad_widths(static_cast<int>(dims.kernel), dims.Co, dims.Ci());
  const std::int64_t pairs = blocks_for(dims.Co, made) * blocks_for(dims.Ci(), read);
  const kernels::PixelTiles tiles = kernels::conv_tiles(dims);
  const std::int64_t splits = kernels::blocks_in_rounds(tiles.count, call.multiprocessors / (pairs * dims.K));
  add_wgrad(to,
            {"wgrad_kernel", conv2d_wgrad_work(dims), true, 0, fill(call, tiles.count, 1, pairs * dims.K),
             fmt::format("{}; a block: {} by {} channels, 1 / {} of the tiles", in_words(tiles), made, read,
                         splits)},
            splits);
}

// Of images of 3 channels: eight warps of a block take tiles of 4 rows of 16 pixels each.
std::int64_t image_splits(const OpCall& call, const Conv2d& dims) {
  const std::int64_t tiles = dims.N * blocks_for(dims.H, 4) * blocks_for(dims.W, 16);
  return kernels::blocks_in_rounds(blocks_for(tiles, 8),
                                   call.multiprocessors / (blocks_for(dims.Co, 32) * dims.K));
}

// By blocks that may share tiles. Ci: channels that are summed over, Co: that are made.
Launch conv_kernel(const OpCall& call, const Work& work, const kernels::PixelTiles& tiles, std::int64_t K,
                   std::int64_t kernel, std::int64_t Ci, std::int64_t Co) {
  const kernels::DepthBlocks blocks(tiles, static_cast<int>(Ci / 16), static_cast<int>(kernel), Co, K,
                                    call.multiprocessors);
  const bool narrow = Co <= 32 && kernels::has_narrow_blocks(static_cast<int>(kernel), tiles.stride);
  Launch launch{"conv_kernel", work, true, blocks.scratch()};
  launch.tiles =
      fmt::format("{}; a block: {} tiles, {} channels{}", in_words(tiles), narrow ? 8 : 4, narrow ? 32 : 64,
                  blocks.of_tile > 1 ? fmt::format(", 1 / {} of the depth", blocks.of_tile) : "");
  if (blocks.of_tile == 1) {
    launch.fill = fill(call, tiles.count, narrow ? 8 : 4, K * blocks_for(Co, narrow ? 32 : 64));
    return launch;
  }
  const std::int64_t steps = blocks_for(Ci / 16, kernels::chunks_of_step(kernel)),
                     rounds =
                         blocks_for(blocks.items * blocks.columns * blocks.of_tile, call.multiprocessors) *
                         blocks_for(steps, blocks.of_tile);
  launch.fill = static_cast<double>(tiles.count * blocks.columns * steps) /
                static_cast<double>(rounds * 4 * call.multiprocessors);
  return launch;
}

struct Convolution {
  Conv2d dims;
  bool bf16, norm;  // of activations, of the output
  std::vector<OperandInfo> inputs;

  bool on_tensor_cores() const { return bf16 && fits_tensor_cores(dims); }
  bool of_images() const {
    return bf16 && !on_tensor_cores() && !inputs[0].norm && kernels::are_images(dims, {});
  }
  std::int64_t pixels() const { return dims.N * dims.Ho() * dims.Wo(); }
};

// Inputs: one or two features; weight, gain, shift, bias.
Convolution convolution_of(const OpCall& call) {
  const std::size_t count = call.inputs.size() - 4;
  const Shape &x = call.inputs[0].shape, &w = call.inputs[count].shape, &y = call.output.shape;
  const Conv2d dims{.K = x.rank() == 5 ? x[0] : 1,
                    .N = x[-4],
                    .H = x[-3],
                    .W = x[-2],
                    .first_channels = x[-1],
                    .second_channels = count == 2 ? call.inputs[1].shape[-1] : 0,
                    .Co = w[-4],
                    .kernel = w[-2],
                    .stride = y[-3] < x[-3] || y[-2] < x[-2] ? 2 : 1};
  return {dims,
          call.dtype == DType::bf16,
          call.inputs[count + 1].defined,
          {call.inputs.begin(), call.inputs.begin() + static_cast<std::ptrdiff_t>(count)}};
}

Launches conv2d_forward(const OpCall& call, const Convolution& conv) {
  const Conv2d& dims = conv.dims;
  const Work work = conv2d_forward_work(dims);
  if (conv.on_tensor_cores())
    return {conv_kernel(call, work, conv_tiles(dims), dims.K, dims.kernel, dims.Ci(), dims.Co)};
  if (conv.of_images()) return {{"image_conv_kernel", work, true}};
  Launches launches{{"gemm_kernel", work}};
  if (conv.norm) {
    launches.push_back({"describe_chunks", {kernels::Conv2dSizes(conv.dims).y}});
    launches.push_back({"merge_chunks", {}});
  }
  return launches;
}

void add_conv2d_wgrad(Launches& to, const OpCall& call, const Convolution& conv) {
  const Conv2d& dims = conv.dims;
  const Work work = conv2d_wgrad_work(dims);
  if (conv.on_tensor_cores()) {
    add_tensor_core_wgrad(to, call, dims);
  } else if (conv.of_images()) {
    add_wgrad(to, {"image_wgrad_kernel", work, true}, image_splits(call, dims));
  } else {
    const kernels::Gemm product{dims.K, dims.Co, dims.kernel * dims.kernel * dims.Ci(), conv.pixels()};
    add_wgrad(to, {"gemm_kernel", work}, with_splits(product).splits);
  }
}

void add_conv2d_dgrad(Launches& to, const OpCall& call, const Convolution& conv) {
  const Conv2d& dims = conv.dims;
  std::int64_t made = 0, read = 0, added = 0;
  const bool fits = conv.bf16 && gradient_fits_tensor_cores(dims);
  for (const OperandInfo& x : conv.inputs) {
    if (!x.wanted) continue;
    const std::int64_t channels = x.shape[-1];
    made += channels;
    read += x.norm ? channels : 0;
    added += x.arrived ? channels : 0;
    if (fits) continue;
    // With a norm the gradient of value(x) goes through the workspace.
    Work work = conv2d_dgrad_work(dims, channels, 0, x.arrived && !x.norm ? channels : 0);
    if (x.norm) work.activations = kernels::Conv2dSizes(dims).y;
    to.push_back({"gemm_kernel", work});
    if (x.norm) append(to, feature_backward(x, 0));
  }
  if (fits && made > 0)
    to.push_back(conv_kernel(call, conv2d_dgrad_work(dims, made, read, added), conv_gradient_tiles(dims),
                             dims.K, dims.kernel, dims.Co, made));
}

}  // namespace

Launches conv2d_launches(const OpCall& call) {
  const Convolution conv = convolution_of(call);
  if (!call.backward) return conv2d_forward(call, conv);
  Launches launches;
  if (conv.norm) launches.push_back({"turn_into_dy", conv2d_dy_work(conv.dims)});
  if (call.inputs[conv.inputs.size()].wanted) add_conv2d_wgrad(launches, call, conv);
  add_conv2d_dgrad(launches, call, conv);
  return launches;
}

// Inputs: x, weight. It moves and computes what the 1x1 convolution does that it is.
Launches conv_transpose2d_launches(const OpCall& call) {
  const OperandInfo& x = call.inputs[0];
  const Shape& s = x.shape;
  const ConvTranspose2d dims{s[0], s[1], s[2], s[3], call.output.shape[3]};
  const Conv2d as = pointwise(dims);
  const bool bf16 = call.dtype == DType::bf16, fits = bf16 && fits_tensor_cores(dims);
  const Work forward = conv2d_forward_work(as);
  if (!call.backward && fits) return {conv_kernel(call, forward, conv_tiles(as), 1, 1, dims.Ci, 4 * dims.Co)};
  if (!call.backward) return {{"gemm_kernel", forward}};
  Launches launches;
  if (call.inputs[1].wanted) {
    const kernels::Gemm product{1, 4 * dims.Co, dims.Ci, dims.N * dims.H * dims.W};
    fits ? add_tensor_core_wgrad(launches, call, as)
         : add_wgrad(launches, {"gemm_kernel", conv2d_wgrad_work(as)}, with_splits(product).splits);
  }
  if (!x.wanted) return launches;
  if (bf16 && gradient_fits_tensor_cores(dims)) {
    const Work work = conv2d_dgrad_work(as, dims.Ci, x.norm ? dims.Ci : 0, x.arrived ? dims.Ci : 0);
    launches.push_back(conv_kernel(call, work, conv_tiles(as), 1, 1, 4 * dims.Co, dims.Ci));
    return launches;
  }
  Work work = conv2d_dgrad_work(as, dims.Ci, 0, x.arrived && !x.norm ? dims.Ci : 0);
  if (x.norm) work.activations = kernels::Conv2dSizes(as).y;
  launches.push_back({"gemm_kernel", work});
  if (x.norm) append(launches, feature_backward(x, 0));
  return launches;
}

// Inputs: x, weight, bias.
Launches linear_launches(const OpCall& call) {
  const OperandInfo &x = call.inputs[0], &weight = call.inputs[1], &bias = call.inputs[2];
  const Shape& w = weight.shape;
  const std::int64_t K = w.rank() == 3 ? w[0] : 1, M = x.shape[-2], Ci = w[-1], Co = w[-2];
  const auto in = static_cast<double>(K * M * Ci), out = static_cast<double>(K * M * Co),
             weight_bytes = 4 * static_cast<double>(w.size()),
             bias_bytes = bias.defined ? 4 * static_cast<double>(K * Co) : 0,
             flops = 2 * out * static_cast<double>(Ci);
  if (!call.backward)
    return {{Co <= 16 ? "dot" : "gemm_kernel", {in + out, weight_bytes + bias_bytes, flops}}};
  Launches launches;
  if (x.wanted) launches.push_back({"gemm_kernel", {out + in * (x.arrived ? 2 : 1), weight_bytes, flops}});
  if (weight.wanted)
    add_wgrad(launches, {"gemm_kernel", {in + out, weight_bytes, flops}},
              kernels::with_splits({K, Co, Ci, M}).splits);
  if (bias.wanted) launches.push_back({"sum_rows", {out, bias_bytes}});
  return launches;
}

// Input: qkv.
Launches attention_launches(const OpCall& call) {
  const Shape& qkv = call.inputs[0].shape;
  const kernels::Attention dims{qkv[0], qkv[1] * qkv[2], qkv[3] / 3};
  const bool fits = call.dtype == DType::bf16 && fits_tensor_cores(dims);
  const auto fill = [&](const kernels::AttentionBlocks& of) {
    const std::int64_t slots = call.multiprocessors * of.resident,
                       blocks = dims.N * blocks_for(dims.positions, of.rows);
    return static_cast<double>(blocks) / static_cast<double>(blocks_for(blocks, slots) * slots);
  };
  const auto rows_in_words = [&](const kernels::AttentionBlocks& of) {
    return fmt::format("{} blocks of {} rows", dims.N * blocks_for(dims.positions, of.rows), of.rows);
  };
  if (!call.backward && fits)
    return {{"attend_mma", attention_forward_work(dims), true, 0,
             fill(kernels::attention_forward_blocks(dims.d)),
             rows_in_words(kernels::attention_forward_blocks(dims.d))}};
  if (!call.backward) return {{"attend", attention_forward_work(dims)}};
  if (!call.inputs[0].wanted) return {};
  if (fits) {
    const kernels::AttentionBlocks blocks = kernels::attention_backward_blocks(dims.d);
    return {{"dtheta_mma", attention_dtheta_work(dims), true, 0, fill(blocks), rows_in_words(blocks)},
            {"dphi_dg_mma", attention_dphi_dg_work(dims), true, 0, fill(blocks), rows_in_words(blocks)}};
  }
  // D has a launch of its own: what it reads, dtheta's need not.
  const auto rows = static_cast<double>(dims.N * dims.positions), o = rows * static_cast<double>(dims.d);
  Work dtheta = attention_dtheta_work(dims);
  dtheta.activations -= o;
  dtheta.other_bytes -= 4 * rows;
  return {{"dot_rows", {2 * o, 4 * rows}}, {"dtheta", dtheta}, {"dphi_dg", attention_dphi_dg_work(dims)}};
}

}  // namespace fermion::engine
