#include "kernels/parameter_step.cuh"

namespace fermion::kernels {
namespace {

// In f64, where no square of a float overflows.
__global__ void __launch_bounds__(sum_threads)
    sum_squares(const __grid_constant__ StepTable table, double* sums) {
  const StepShare share(table);
  const float* gradient = table.parameters[share.entry].gradient;
  const std::int64_t end = share.end(table.parameters[share.entry].count);
  double sum = 0;
  for_vectors<4>(share.begin, end, aligned<4>(gradient), [&]<int N>(std::int64_t i) {
    const Floats<N> g = load<N>(gradient + i);
#pragma unroll
    for (int j = 0; j < N; ++j) sum = fma(static_cast<double>(g[j]), static_cast<double>(g[j]), sum);
  });
  sum = block_sum(sum);
  if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

}  // namespace

StepPartials sum_gradient_squares(Cuda ctx, const ParameterStep& step) {
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < step.parameter_count; ++i)
    count += blocks_for(step.parameters[i].count, step_chunk);
  double* sums = ctx.workspace.take<double>(count);
  std::int64_t done = 0;
  for_each_table(step, [&](const StepTable& table) {
    launch(ctx, sum_squares, {table.parameter_blocks()}, sum_threads, 0, table, sums + done);
    done += table.parameter_blocks();
  });
  return {sums, count};
}

}  // namespace fermion::kernels
