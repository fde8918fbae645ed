#include "kernels/adamw.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/adamw.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/feature-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fermion::kernels::HWY_NAMESPACE {

void AdamWChunk(const AdamWConstants& k, const StepParameter& p, const StepChunk& chunk) {
  const float shrink = p.decay ? k.shrink : 1.0f;
  for_each_vector(chunk.count, [&](auto d, std::int64_t offset) HWY_ATTR {
    const std::int64_t i = chunk.begin + offset;
    const auto g = hn::Mul(hn::Set(d, k.clip), hn::LoadU(d, p.gradient + i));
    const auto m =
        hn::MulAdd(hn::Set(d, k.beta1), hn::LoadU(d, p.first + i), hn::Mul(hn::Set(d, k.one_minus_beta1), g));
    const auto v = hn::MulAdd(hn::Set(d, k.beta2), hn::LoadU(d, p.second + i),
                              hn::Mul(hn::Set(d, k.one_minus_beta2), hn::Mul(g, g)));
    const auto root = hn::MulAdd(hn::Sqrt(v), hn::Set(d, k.inv_root_bias2), hn::Set(d, k.epsilon));
    const auto update = hn::Div(hn::Mul(hn::Set(d, k.step_size), m), root);
    const auto value = hn::Sub(hn::Mul(hn::LoadU(d, p.value + i), hn::Set(d, shrink)), update);
    const auto ema = hn::LoadU(d, p.ema + i);
    hn::StoreU(m, d, p.first + i);
    hn::StoreU(v, d, p.second + i);
    hn::StoreU(value, d, p.value + i);
    hn::StoreU(hn::MulAdd(hn::Set(d, k.ema_rate), hn::Sub(value, ema), ema), d, p.ema + i);
  });
}

}  // namespace fermion::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fermion::kernels {

HWY_EXPORT(AdamWChunk);

void adamw_step(Cpu ctx, const AdamW& options, const ParameterStep& step) {
  const StepPlan plan = plan_step(ctx, step);
  if (!step.report->finite) return;
  const AdamWConstants constants(options, *step.scalars, plan.clip);
#pragma omp parallel for num_threads(ctx.threads)
  for (std::int64_t c = 0; c < plan.chunk_count; ++c)
    HWY_DYNAMIC_DISPATCH(AdamWChunk)(constants, step.parameters[plan.chunks[c].index], plan.chunks[c]);
  move_statistics(ctx, step);
}

}  // namespace fermion::kernels
#endif
