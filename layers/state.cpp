#include "layers/state.h"

#include <utility>
#include <vector>

#include "engine/error.h"

namespace fermion::layers {
namespace {

using Named = std::vector<std::pair<std::string, Tensor>>;

Named tensors_of(const Parameters& parameters) {
  Named tensors;
  for (const Parameter& parameter : parameters.parameters())
    tensors.emplace_back(parameter.name, parameter.value);
  for (const RunningStatistics& running : parameters.running()) {
    tensors.emplace_back(running.name + ".running_mean", running.mean);
    tensors.emplace_back(running.name + ".running_var", running.var);
  }
  return tensors;
}

}  // namespace

void save(const Parameters& parameters, const std::string& prefix, engine::SafeTensors& file) {
  for (const auto& [name, tensor] : tensors_of(parameters)) file.add(prefix + name, tensor);
}

void check(const Parameters& parameters, const std::string& prefix, const engine::SafeTensors& file) {
  for (const auto& [name, tensor] : tensors_of(parameters)) file.check(prefix + name, tensor);
}

void load(Parameters& parameters, const std::string& prefix, const engine::SafeTensors& file) {
  check(parameters, prefix, file);
  for (const auto& [name, tensor] : tensors_of(parameters)) file.copy_to(prefix + name, tensor);
  parameters.changed();
}

void copy(const Parameters& from, Parameters& to) {
  const Named sources = tensors_of(from), targets = tensors_of(to);
  if (sources.size() != targets.size())
    throw engine::Error("two models have {} and {} tensors; only equal ones are copied", sources.size(),
                        targets.size());
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const auto& [name, source] = sources[i];
    const auto& [other, target] = targets[i];
    if (name != other || !(source.shape() == target.shape()))
      throw engine::Error("'{}' {} cannot be copied to '{}' {}: the models differ", name,
                          source.shape().text(), other, target.shape().text());
  }
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const std::vector<std::uint8_t> bytes = sources[i].second.bytes_to_host();
    targets[i].second.copy_from(bytes.data(), bytes.size());
  }
  to.changed();
}

}  // namespace fermion::layers
