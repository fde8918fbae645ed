#include "engine/launches.h"

#include <map>

#include "engine/error.h"
#include "engine/product_launches.h"

namespace fermion::engine {
namespace {

using kernels::Work;
using Launches = std::vector<Launch>;

double numbers(const OperandInfo& x) {
  return x.defined ? static_cast<double>(x.shape.size()) : 0;
}
// Of a gradient that is written, or read and written.
double put(const OperandInfo& x) {
  return x.wanted ? numbers(x) * (x.arrived ? 2 : 1) : 0;
}

// One that reads inputs, all of the activations' type, and writes the output.
Launches one_pass(const char* kernel, const OpCall& call) {
  double read = 0;
  for (const OperandInfo& x : call.inputs) read += numbers(x);
  return {{kernel, {read + numbers(call.output)}}};
}

Launches pool(const OpCall& call) {
  if (!call.backward) return one_pass("pool", call);
  return feature_backward(call.inputs[0], numbers(call.output));
}

Launches max_pool(const OpCall& call) {
  if (!call.backward) return one_pass("pool", call);
  const OperandInfo& x = call.inputs[0];
  Launches launches = feature_backward(x, numbers(call.output));
  launches[0].kernel = "unpool";
  if (!x.norm) launches[0].work.activations += numbers(x);  // to find what had won
  return launches;
}

Launches region_split(const OpCall& call) {
  if (!call.backward) return one_pass("copy_windows", call);
  return feature_backward(call.inputs[0], numbers(call.output));
}

Launches residual_add(const OpCall& call) {
  if (!call.backward) return one_pass("add", call);
  Launches launches;
  for (const OperandInfo& x : call.inputs)
    for (const Launch& launch : feature_backward(x, numbers(call.output))) launches.push_back(launch);
  return launches;
}

Launches dropout(const OpCall& call) {
  if (!call.backward) return one_pass("drop", call);
  return {{"drop", {numbers(call.output) + put(call.inputs[0])}}};
}

// Inputs: parameters, mean, inv_std; images of bytes.
Launches augment(const OpCall& call) {
  if (call.backward) return {};
  return {{"augment", {numbers(call.output), 4 * numbers(call.inputs[0]) + numbers(call.inputs[3])}}};
}

// Scores to weights, which are f32.
Launches region_softmax(const OpCall& call) {
  const OperandInfo& scores = call.inputs[0];
  if (!call.backward) return {{"softmax", {numbers(scores), 4 * numbers(call.output)}}};
  return {{"softmax_gradient", {put(scores), 8 * numbers(call.output)}}};
}

// Inputs: f, g, and weights in f32.
Launches region_join(const OpCall& call) {
  const OperandInfo &f = call.inputs[0], &g = call.inputs[1], &w = call.inputs[2];
  if (!call.backward) return {{"join", {numbers(f) + numbers(g) + numbers(call.output), 4 * numbers(w)}}};
  return {
      {"join_gradients",
       {numbers(call.output) + (w.wanted ? numbers(f) : 0) + put(f) + put(g), 4 * (numbers(w) + put(w))}}};
}

Launches region_entropy(const OpCall& call) {
  const OperandInfo& w = call.inputs[0];
  if (!call.backward) return {{"sum_blocks", {0, 4 * numbers(w)}}, {"finish_sum", {0, 4}}};
  return {{"entropy_gradient", {0, 4 * (numbers(w) + put(w))}}};
}

// Inputs: logits; class weights, region weights and the targets' distribution, f32.
Launches softmax_cross_entropy(const OpCall& call) {
  const OperandInfo &logits = call.inputs[0], &region_weights = call.inputs[2];
  double others = 0;
  for (std::size_t i = 1; i < call.inputs.size(); ++i) others += 4 * numbers(call.inputs[i]);
  if (!call.backward) return {{"sum_blocks", {numbers(logits), others}}, {"finish_sum", {0, 4}}};
  return {{"loss_gradients", {numbers(logits) + put(logits), others + 4 * put(region_weights)}}};
}

Launches weighted_sum(const OpCall& call) {
  const double bytes = 4 * static_cast<double>(call.inputs.size() + 1);
  return {{call.backward ? "scale_gradient" : "add_terms", {0, bytes}}};
}

// The gradient of the loss by itself.
Launches fill(const OpCall&) {
  return {{"write", {0, 4}}};
}

}  // namespace

Launches feature_backward(const OperandInfo& x, double dy) {
  if (!x.wanted) return {};
  Launches launches{{"feature_backward_kernel", {dy + (x.norm ? numbers(x) : 0) + put(x)}}};
  if (x.norm) launches.push_back({"add_rows", {}});
  return launches;
}

Launches launches_of(const OpCall& call) {
  static const std::map<std::string, Launches (*)(const OpCall&)> ops{
      {"attention", attention_launches},
      {"augment", augment},
      {"average_pool", pool},
      {"conv2d", conv2d_launches},
      {"conv_transpose2d", conv_transpose2d_launches},
      {"dropout", dropout},
      {"fill", fill},
      {"linear", linear_launches},
      {"max_pool2d", max_pool},
      {"region_entropy", region_entropy},
      {"region_join", region_join},
      {"region_softmax", region_softmax},
      {"region_split", region_split},
      {"residual_add", residual_add},
      {"softmax_cross_entropy", softmax_cross_entropy},
      {"weighted_sum", weighted_sum}};
  const auto found = ops.find(call.op);
  if (found == ops.end()) throw Error("{}: what it launches is not stated (engine/launches.cpp)", call.op);
  return found->second(call);
}

Launches optimizer_launches(bool adamw, std::int64_t numbers, std::int64_t channels) {
  // AdamW: value, average and two moments, sgd one; each read and written, and the gradient read. A norm:
  // mean, variance and their averages, and those of the batch.
  const double moved = (adamw ? 36 : 28) * static_cast<double>(numbers) + 40 * static_cast<double>(channels);
  return {
      {"sum_squares", {0, 4 * static_cast<double>(numbers)}}, {"finish_norm", {}}, {"update", {0, moved}}};
}

}  // namespace fermion::engine
