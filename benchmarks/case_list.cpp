#include "benchmarks/case_list.h"

#include <algorithm>

#include "tests/conv_layers.h"

namespace fermion::benchmarks {

nlohmann::json describe(const std::string& op, const test::OpCase& test) {
  nlohmann::json inputs = nlohmann::json::array();
  for (const test::Input& input : test.inputs) {
    nlohmann::json shape = nlohmann::json::array();
    for (int i = 0; i < input.shape.rank(); ++i) shape.push_back(input.shape[i]);
    inputs.push_back({{"name", input.name}, {"shape", shape}});
  }
  nlohmann::json described{{"op", op}, {"case", test.name}, {"inputs", inputs}};
  if (op == "conv2d")
    for (const test::ConvLayer& layer : test::conv_layers())
      if (layer.name == test.name) described["stride"] = layer.dims.stride;
  return described;
}

nlohmann::json case_list(const std::string& op) {
  nlohmann::json list = nlohmann::json::array();
  std::vector<test::Registered> ops = test::registry();
  std::sort(ops.begin(), ops.end(), [](const auto& a, const auto& b) { return a.op < b.op; });
  for (const test::Registered& registered : ops)
    if (op.empty() || registered.op == op)
      for (const test::OpCase& test : registered.cases({}).benchmarks)
        list.push_back(describe(registered.op, test));
  return list;
}

}  // namespace fermion::benchmarks
