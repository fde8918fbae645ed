// CUTLASS's fused attention, its example 41, in f16: forward and backward, tiles of 64 queries and 64 keys, d
// up to 64. Blocks that share a query's gradient take turns.
#include <kernel_backward.h>
#include <kernel_forward.h>

#include "attention.h"

namespace {

using cutlass::half_t;
using Forward = AttentionKernel<half_t, cutlass::arch::Sm80, true, 64, 64, 64, false, false>;
using Backward =
    AttentionBackwardKernel<cutlass::arch::Sm80, half_t, true, false, true, 64, 64, 64, false, true>;

template <class Kernel, class Function>
void launch(Function function, typename Kernel::Params& p) {
  judge::require(Kernel::check_supported(p), "CUTLASS: this shape it cannot do");
  const int shared = sizeof(typename Kernel::SharedStorage);
  judge::check(cudaFuncSetAttribute(function, cudaFuncAttributeMaxDynamicSharedMemorySize, shared));
  function<<<p.getBlocksGrid(), p.getThreadsGrid(), shared>>>(p);
  judge::check(cudaGetLastError());
}

// What the arguments of both have in common.
template <class Params>
Params describe(const judge::Attention& a) {
  Params p;
  p.scale = float(a.scale());
  p.head_dim = p.head_dim_value = a.d;
  p.num_queries = a.queries, p.num_keys = a.keys, p.num_heads = a.heads, p.num_batches = a.images;
  p.q_strideM = p.k_strideM = p.v_strideM = a.heads * a.d;
  p.q_strideH = p.k_strideH = p.v_strideH = a.d;
  p.q_strideB = a.of_queries() / a.images;
  p.k_strideB = p.v_strideB = a.of_keys() / a.images;
  return p;
}

std::vector<judge::Row> attention(const judge::Attention& a, int shares) {
  const judge::AttentionInputs<half_t> in(a);
  const judge::Buffer<half_t> q(in.q), k(in.k), v(in.v), d_o(in.d_o);
  const judge::Buffer<half_t> o(a.of_queries()), dq(a.of_queries()), dk(a.of_keys()), dv(a.of_keys());
  // Rows of log_sum_exp are padded to 32.
  const int padded = (a.queries + 31) / 32 * 32;
  const judge::Buffer<float> log_sum_exp(size_t(a.images) * a.heads * padded), row_sums(a.rows());

  auto forward = describe<Forward::Params>(a);
  forward.query_ptr = q.data(), forward.key_ptr = k.data(), forward.value_ptr = v.data();
  forward.output_ptr = o.data(), forward.logsumexp_ptr = log_sum_exp.data();
  forward.o_strideM = a.heads * a.d;
  launch<Forward>(attention_kernel_batched_impl<Forward>, forward);

  auto backward = describe<Backward::Params>(a);
  backward.query_ptr = q.data(), backward.key_ptr = k.data(), backward.value_ptr = v.data();
  backward.output_ptr = o.data(), backward.grad_output_ptr = d_o.data();
  backward.logsumexp_ptr = log_sum_exp.data(), backward.delta_ptr = row_sums.data();
  backward.grad_query_ptr = dq.data(), backward.grad_key_ptr = dk.data(), backward.grad_value_ptr = dv.data();
  backward.lse_strideH = padded, backward.lse_strideB = int64_t(a.heads) * padded;
  backward.delta_strideH = a.queries, backward.delta_strideB = int64_t(a.heads) * a.queries;
  backward.o_strideH = backward.gO_strideH = a.d;
  backward.gO_strideM = a.heads * a.d;
  backward.gQ_strideH = backward.gK_strideH = backward.gV_strideH = a.d;
  backward.o_strideB = backward.gO_strideB = backward.gQ_strideB = backward.q_strideB;
  backward.gK_strideB = backward.gV_strideB = backward.k_strideB;
  backward.num_splits_key = shares;
  judge::Buffer<char> workspace(std::max<size_t>(backward.workspace_size(), 1));
  if (backward.should_zero_workspace()) workspace.zero();
  backward.workspace = reinterpret_cast<float*>(workspace.data());
  launch<Backward>(attention_kernel_backward_batched_impl<Backward>, backward);
  judge::check(cudaDeviceSynchronize());

  const std::vector<double> with_padding = log_sum_exp.values();
  std::vector<double> rows;
  for (size_t i = 0; i < with_padding.size(); i++)
    if (int(i % padded) < a.queries) rows.push_back(with_padding[i]);
  return judge::compare(a, in, {o.values(), rows, dq.values(), dk.values(), dv.values()});
}

}  // namespace

int main(int argc, char** argv) {
  const auto run = [](const char* kernel, judge::Attention a, int shares) {
    return judge::Case{kernel, a.text(), [=] { return attention(a, shares); }};
  };
  return judge::run(
      argc, argv,
      {run("CUTLASS attention", {1, 2, 64, 64, 64}, 1), run("CUTLASS attention", {2, 1, 100, 150, 64}, 1),
       run("CUTLASS attention, keys in 3 shares", {1, 2, 130, 180, 32}, 3)},
      {});
}
