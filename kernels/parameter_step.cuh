// An optimiser's step on CUDA (kernels/parameter_step.h): partial sums of the gradients' squares, one block
// that adds them up and leaves the report and the step's constants in device memory, and the update, one
// launch for everything that changes. The host waits for nothing and reads nothing back.
#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/flat.cuh"
#include "kernels/parameter_step.h"
#include "kernels/reduce.cuh"

namespace fermion::kernels {

// What one launch works on, passed by value: at most 32,764 bytes with everything else. A model with more
// tensors takes several.
struct StepTable {
  static constexpr int most_parameters = 400, most_statistics = 96;

  StepParameter parameters[most_parameters];
  StepStatistics statistics[most_statistics];
  // Blocks up to and with each entry, parameters first.
  std::int32_t ends[most_parameters + most_statistics];
  std::int32_t parameter_count, statistics_count;

  std::int32_t parameter_blocks() const { return parameter_count ? ends[parameter_count - 1] : 0; }
  std::int32_t blocks() const {
    const int entries = parameter_count + statistics_count;
    return entries ? ends[entries - 1] : 0;
  }
};
static_assert(sizeof(StepTable) <= 32'000);

// Numbers of one entry that one block takes: four vectors a thread.
inline constexpr std::int64_t step_chunk = 16 * sum_threads;

// Calls body(table) for each launch's table.
template <class Body>
void for_each_table(const ParameterStep& step, const Body& body) {
  std::int64_t parameter = 0, statistic = 0;
  StepTable table;
  while (parameter < step.parameter_count || statistic < step.statistics_count) {
    table.parameter_count = static_cast<std::int32_t>(
        std::min<std::int64_t>(StepTable::most_parameters, step.parameter_count - parameter));
    table.statistics_count = static_cast<std::int32_t>(
        std::min<std::int64_t>(StepTable::most_statistics, step.statistics_count - statistic));
    std::int32_t* end = table.ends;
    std::int64_t blocks = 0;
    for (int i = 0; i < table.parameter_count; ++i) {
      table.parameters[i] = step.parameters[parameter++];
      *end++ = static_cast<std::int32_t>(blocks += blocks_for(table.parameters[i].count, step_chunk));
    }
    for (int i = 0; i < table.statistics_count; ++i) {
      table.statistics[i] = step.statistics[statistic++];
      *end++ = static_cast<std::int32_t>(blocks += blocks_for(table.statistics[i].channels, step_chunk));
    }
    body(table);
  }
}

// A block's share of a table: numbers from `begin` of one entry, at most step_chunk.
struct StepShare {
  int entry;
  std::int64_t begin;

  __device__ explicit StepShare(const StepTable& table) {
    const int block = static_cast<int>(blockIdx.x);
    int low = 0, high = table.parameter_count + table.statistics_count - 1;
    while (low < high) {
      const int middle = (low + high) / 2;
      if (block < table.ends[middle])
        high = middle;
      else
        low = middle + 1;
    }
    entry = low;
    begin = (block - (low > 0 ? table.ends[low - 1] : 0)) * step_chunk;
  }

  __device__ std::int64_t end(std::int64_t count) const { return min(begin + step_chunk, count); }
};

// The squares of all gradients, added up block by block; returns how many partials there are.
struct StepPartials {
  const double* sums;  // in the workspace
  std::int64_t count;
};
StepPartials sum_gradient_squares(Cuda ctx, const ParameterStep& step);

// Rule: an optimiser's options, with
//   Constants                                             of one step
//   Constants constants(const StepScalars&, double clip)  called by one thread
//   template <int N> void update(const Constants&, const StepParameter&, std::int64_t i)
//                                                         numbers i .. i + N
template <class Rule>
__global__ void __launch_bounds__(sum_threads)
    finish_norm(StepPartials partials, const StepScalars* scalars, const float* loss, float max_norm,
                Rule rule, StepReport* report, typename Rule::Constants* constants) {
  const double sum = sum_partials(partials.count, partials.sums);
  if (threadIdx.x != 0) return;
  const double norm = sqrt(sum);
  const float rounded = static_cast<float>(norm);
  *report = {rounded, isfinite(*loss) && isfinite(rounded)};
  *constants = rule.constants(*scalars, clip_factor(norm, max_norm));
}

template <class Rule>
__global__ void __launch_bounds__(sum_threads)
    update(const __grid_constant__ StepTable table, const StepScalars* scalars, const StepReport* report,
           const typename Rule::Constants* constants) {
  if (!report->finite) return;
  const StepShare share(table);
  if (share.entry >= table.parameter_count) {
    const StepStatistics s = table.statistics[share.entry - table.parameter_count];
    const double ema_decay = scalars->ema_decay;
    for (std::int64_t c = share.begin + threadIdx.x; c < share.end(s.channels); c += sum_threads)
      move_channel(s, c, ema_decay);
    return;
  }
  const StepParameter p = table.parameters[share.entry];
  const typename Rule::Constants k = *constants;
  for_vectors<4>(share.begin, share.end(p.count), aligned<4>(p.value, p.gradient, p.first, p.second, p.ema),
                 [&]<int N>(std::int64_t i) { Rule::template update<N>(k, p, i); });
}

template <class Rule>
void parameter_step(Cuda ctx, const ParameterStep& step, const Rule& rule) {
  const StepPartials partials = sum_gradient_squares(ctx, step);
  auto* constants = ctx.workspace.take<typename Rule::Constants>(1);
  launch(ctx, finish_norm<Rule>, {1}, sum_threads, 0, partials, step.scalars, step.loss, step.max_norm, rule,
         step.report, constants);
  for_each_table(step, [&](const StepTable& table) {
    launch(ctx, update<Rule>, {table.blocks()}, sum_threads, 0, table, step.scalars, step.report, constants);
  });
}

}  // namespace fermion::kernels
