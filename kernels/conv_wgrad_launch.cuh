// How many blocks of kernels/conv_wgrad.cuh make a gradient by the weights.
#pragma once

#include "kernels/conv_tiles.h"
#include "kernels/conv_wgrad.cuh"
#include "kernels/gemm.cuh"
#include "kernels/launch.cuh"

namespace fermion::kernels {

template <class Block>
void run_wgrad(Cuda ctx, const Conv2d& dims, ConvWgrad conv, Gradient<float> dweight) {
  const std::int64_t pairs = blocks_for(conv.Co, Block::made) * blocks_for(conv.Ci, Block::read),
                     items = conv.tiles.count;
  const std::int64_t splits = blocks_in_rounds(items, ctx.multiprocessors / (pairs * dims.K)),
                     size = dims.Co * Block::taps * dims.Ci();
  conv.sums = splits == 1 ? dweight : Gradient<float>{ctx.workspace.take<float>(dims.K * splits * size)};
  launch(ctx, wgrad_kernel<Block>, {splits, pairs, dims.K}, Block::threads,
         static_cast<std::size_t>(Block::shared_bytes(conv.tiles)), conv);
  if (splits > 1) add_splits(ctx, dims.K, splits, size, conv.sums.data, dweight);
}

}  // namespace fermion::kernels
