#include "kernels/sgd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sgd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/feature-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fermion::kernels::HWY_NAMESPACE {

void SgdChunk(const SgdConstants& k, const StepParameter& p, const StepChunk& chunk) {
  const float decay = p.decay ? k.weight_decay : 0.0f;
  for_each_vector(chunk.count, [&](auto d, std::int64_t offset) HWY_ATTR {
    const std::int64_t i = chunk.begin + offset;
    const auto old = hn::LoadU(d, p.value + i), ema = hn::LoadU(d, p.ema + i);
    const auto momentum = hn::Set(d, k.momentum);
    const auto g =
        hn::MulAdd(hn::Set(d, k.clip), hn::LoadU(d, p.gradient + i), hn::Mul(hn::Set(d, decay), old));
    const auto v = hn::MulAdd(momentum, hn::LoadU(d, p.first + i), g);
    const auto value = hn::NegMulAdd(hn::Set(d, k.learning_rate), hn::MulAdd(momentum, v, g), old);
    hn::StoreU(v, d, p.first + i);
    hn::StoreU(value, d, p.value + i);
    hn::StoreU(hn::MulAdd(hn::Set(d, k.ema_rate), hn::Sub(value, ema), ema), d, p.ema + i);
  });
}

}  // namespace fermion::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fermion::kernels {

HWY_EXPORT(SgdChunk);

void sgd_step(Cpu ctx, const Sgd& options, const ParameterStep& step) {
  const StepPlan plan = plan_step(ctx, step);
  if (!step.report->finite) return;
  const SgdConstants constants(options, *step.scalars, plan.clip);
#pragma omp parallel for num_threads(ctx.threads)
  for (std::int64_t c = 0; c < plan.chunk_count; ++c)
    HWY_DYNAMIC_DISPATCH(SgdChunk)(constants, step.parameters[plan.chunks[c].index], plan.chunks[c]);
  move_statistics(ctx, step);
}

}  // namespace fermion::kernels
#endif
