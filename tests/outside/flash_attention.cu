// FlashAttention-2, bf16, d = 64, forward and backward, through its own launchers. What PyTorch does around
// them, the struct of arguments and the workspace, is done here. d_q is added up by atomics, or, where the
// same bits are wanted, in a workspace for each of the blocks that share it.
#include <cutlass/numeric_types.h>
#include <flash.h>

#include "attention.h"

namespace {

using cutlass::bfloat16_t;

int round_up(int n, int to) {
  return (n + to - 1) / to * to;
}

void describe(const judge::Attention& a, flash::Flash_bwd_params& p) {
  p.b = a.images;
  p.h = p.h_k = a.heads;
  p.h_h_k_ratio = 1;
  p.seqlen_q = a.queries, p.seqlen_q_rounded = round_up(a.queries, 128);
  p.seqlen_k = a.keys, p.seqlen_k_rounded = round_up(a.keys, 128);
  p.d = p.d_rounded = a.d;
  p.q_head_stride = p.k_head_stride = p.v_head_stride = p.o_head_stride = a.d;
  p.do_head_stride = p.dq_head_stride = p.dk_head_stride = p.dv_head_stride = a.d;
  p.q_row_stride = p.k_row_stride = p.v_row_stride = p.o_row_stride = a.heads * a.d;
  p.do_row_stride = p.dq_row_stride = p.dk_row_stride = p.dv_row_stride = a.heads * a.d;
  p.q_batch_stride = p.o_batch_stride = p.do_batch_stride = p.dq_batch_stride = a.of_queries() / a.images;
  p.k_batch_stride = p.v_batch_stride = p.dk_batch_stride = p.dv_batch_stride = a.of_keys() / a.images;
  p.scale_softmax = float(a.scale());
  p.scale_softmax_log2 = float(a.scale() * M_LOG2E);
  p.p_dropout = 1, p.p_dropout_in_uint8_t = 255;  // of keeping a number
  p.rp_dropout = 1, p.scale_softmax_rp_dropout = p.scale_softmax;
  p.window_size_left = -1, p.window_size_right = a.causal ? 0 : -1;
  p.is_bf16 = true;
  p.is_causal = a.causal;
  p.is_seqlens_k_cumulative = true;
}

judge::AttentionResult attention(const judge::Attention& a, const judge::AttentionInputs<bfloat16_t>& in,
                                 bool deterministic) {
  const judge::Buffer<bfloat16_t> q(in.q), k(in.k), v(in.v), d_o(in.d_o);
  const judge::Buffer<bfloat16_t> o(a.of_queries()), dq(a.of_queries()), dk(a.of_keys()), dv(a.of_keys());
  const judge::Buffer<float> log_sum_exp(a.rows());

  flash::Flash_bwd_params p{};
  describe(a, p);
  p.q_ptr = q.data(), p.k_ptr = k.data(), p.v_ptr = v.data(), p.o_ptr = o.data();
  p.do_ptr = d_o.data(), p.dq_ptr = dq.data(), p.dk_ptr = dk.data(), p.dv_ptr = dv.data();
  p.softmax_lse_ptr = log_sum_exp.data();
  if (a.causal)
    flash::run_mha_fwd_<bfloat16_t, 64, true>(p, nullptr);
  else
    flash::run_mha_fwd_<bfloat16_t, 64, false>(p, nullptr);

  const size_t rows = size_t(a.images) * a.heads * p.seqlen_q_rounded;
  int processors;
  judge::check(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, 0));
  const int shares = deterministic ? (processors + a.images * a.heads - 1) / (a.images * a.heads) : 1;
  const judge::Buffer<float> row_sums(rows);
  judge::Buffer<float> dq_sums(shares * rows * a.d);
  if (deterministic) dq_sums.zero();
  p.dsoftmax_sum = row_sums.data(), p.dq_accum_ptr = dq_sums.data();
  p.deterministic = deterministic, p.dq_accum_split_stride = deterministic ? rows * a.d : 0;
  if (a.causal)
    flash::run_mha_bwd_<bfloat16_t, 64, true>(p, nullptr);
  else
    flash::run_mha_bwd_<bfloat16_t, 64, false>(p, nullptr);
  judge::check(cudaDeviceSynchronize());

  return {o.values(), log_sum_exp.values(), dq.values(), dk.values(), dv.values()};
}

std::vector<judge::Row> check(const judge::Attention& a, bool deterministic) {
  const judge::AttentionInputs<bfloat16_t> in(a);
  return judge::compare(a, in, attention(a, in, deterministic));
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<judge::Case> cases;
  for (const judge::Attention& a :
       {judge::Attention{1, 2, 128, 128, 64}, judge::Attention{2, 1, 200, 200, 64},
        judge::Attention{1, 1, 77, 300, 64}, judge::Attention{1, 2, 150, 150, 64, true}})
    for (bool deterministic : {false, true})
      cases.push_back({deterministic ? "FlashAttention-2, same bits" : "FlashAttention-2", a.text(),
                       [=] { return check(a, deterministic); }});

  // 28 x 28 pixels. Two products forward, five backward.
  const judge::Attention a{1, 1, 784, 784, 64};
  const double product = 2. * a.queries * a.keys * a.d;
  const auto run = [=] { attention(a, judge::AttentionInputs<bfloat16_t>(a), false); };
  return judge::run(argc, argv, cases,
                    {{"FlashAttention-2 forward", a.text(), "flash_fwd", 2 * product, run},
                     {"FlashAttention-2 backward", a.text(), "flash_bwd", 5 * product, run},
                     {"FlashAttention-2, its loop", a.text(), "flash_bwd_dq_dk_dv", 5 * product, run}});
}
