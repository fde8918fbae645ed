#include "kernels/adamw.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/adamw.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/feature-inl.h"

// foreach_target.h compiles this file once per instruction set; what all of them share is guarded.
#ifndef FERMION_KERNELS_ADAMW_CONSTANTS
#define FERMION_KERNELS_ADAMW_CONSTANTS
namespace fermion::kernels {

struct AdamWConstants {
  float clip, beta1, one_minus_beta1, beta2, one_minus_beta2;
  float step_size;       // learning_rate / (1 - beta1^t)
  float inv_root_bias2;  // 1 / sqrt(1 - beta2^t)
  float epsilon, shrink, ema_rate;
};

}  // namespace fermion::kernels
#endif

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
  const double lr = step.scalars->learning_rate, t = step.scalars->step + 1.0;
  const AdamWConstants constants{plan.clip,
                                 static_cast<float>(options.beta1),
                                 static_cast<float>(1 - options.beta1),
                                 static_cast<float>(options.beta2),
                                 static_cast<float>(1 - options.beta2),
                                 static_cast<float>(lr / (1 - std::pow(options.beta1, t))),
                                 static_cast<float>(1 / std::sqrt(1 - std::pow(options.beta2, t))),
                                 static_cast<float>(options.epsilon),
                                 static_cast<float>(1 - lr * options.weight_decay),
                                 static_cast<float>(1 - step.scalars->ema_decay)};
#pragma omp parallel for num_threads(ctx.threads)
  for (std::int64_t c = 0; c < plan.chunk_count; ++c)
    HWY_DYNAMIC_DISPATCH(AdamWChunk)(constants, step.parameters[plan.chunks[c].index], plan.chunks[c]);
  move_statistics(ctx, step);
}

}  // namespace fermion::kernels
#endif
