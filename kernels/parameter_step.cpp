#include "kernels/parameter_step.h"

#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/parameter_step.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fermion::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// In f64, where no square of a float overflows.
double SumOfSquares(const float* x, std::int64_t count) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<float, decltype(d)> half;
  const std::int64_t lanes = hn::Lanes(d);
  auto sum0 = hn::Zero(d), sum1 = sum0, sum2 = sum0, sum3 = sum0;
  std::int64_t i = 0;
  const auto load = [&](std::int64_t at) HWY_ATTR { return hn::PromoteTo(d, hn::LoadU(half, x + at)); };
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    const auto x0 = load(i), x1 = load(i + lanes), x2 = load(i + 2 * lanes), x3 = load(i + 3 * lanes);
    sum0 = hn::MulAdd(x0, x0, sum0);
    sum1 = hn::MulAdd(x1, x1, sum1);
    sum2 = hn::MulAdd(x2, x2, sum2);
    sum3 = hn::MulAdd(x3, x3, sum3);
  }
  double sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3))));
  for (; i < count; ++i) sum += static_cast<double>(x[i]) * x[i];
  return sum;
}

}  // namespace fermion::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fermion::kernels {
namespace {

HWY_EXPORT(SumOfSquares);

constexpr std::int64_t chunk_size = 16384;

std::int64_t chunks_of(const StepParameter& parameter) {
  return (parameter.count + chunk_size - 1) / chunk_size;
}

}  // namespace

StepPlan plan_step(Cpu ctx, const ParameterStep& step) {
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < step.parameter_count; ++i) count += chunks_of(step.parameters[i]);
  StepChunk* chunks = ctx.workspace.take<StepChunk>(count);
  double* sums = ctx.workspace.take<double>(count);
  std::int64_t at = 0;
  for (std::int64_t i = 0; i < step.parameter_count; ++i)
    for (std::int64_t begin = 0; begin < step.parameters[i].count; begin += chunk_size)
      chunks[at++] = {i, begin, std::min(chunk_size, step.parameters[i].count - begin)};
#pragma omp parallel for num_threads(ctx.threads)
  for (std::int64_t c = 0; c < count; ++c)
    sums[c] = HWY_DYNAMIC_DISPATCH(SumOfSquares)(step.parameters[chunks[c].index].gradient + chunks[c].begin,
                                                 chunks[c].count);
  double sum = 0;
  for (std::int64_t c = 0; c < count; ++c) sum += sums[c];
  const double norm = std::sqrt(sum);
  const auto rounded = static_cast<float>(norm);
  *step.report = {rounded, std::isfinite(*step.loss) && std::isfinite(rounded)};
  return {chunks, count, static_cast<float>(clip_factor(norm, step.max_norm))};
}

void move_statistics(Cpu, const ParameterStep& step) {
  for (std::int64_t i = 0; i < step.statistics_count; ++i)
    for (std::int64_t c = 0; c < step.statistics[i].channels; ++c)
      move_channel(step.statistics[i], c, step.scalars->ema_decay);
}

}  // namespace fermion::kernels
#endif
