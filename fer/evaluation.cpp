#include "fer/evaluation.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace fermion::fer {

std::span<const float> Predictions::probabilities_of(std::int64_t face) const {
  return std::span(probabilities)
      .subspan(static_cast<std::size_t>(face * classes), static_cast<std::size_t>(classes));
}

std::span<const float> Predictions::weights_of(std::int64_t face) const {
  return std::span(weights).subspan(static_cast<std::size_t>(face * regions),
                                    static_cast<std::size_t>(regions));
}

int Predictions::label_of(std::int64_t face) const {
  const std::span<const float> p = probabilities_of(face);
  return static_cast<int>(std::max_element(p.begin(), p.end()) - p.begin());
}

namespace {

void append_softmax(const float* logits, int classes, std::vector<float>& out) {
  const float largest = *std::max_element(logits, logits + classes);
  double sum = 0;
  for (int c = 0; c < classes; ++c) sum += std::exp(static_cast<double>(logits[c]) - largest);
  for (int c = 0; c < classes; ++c)
    out.push_back(static_cast<float>(std::exp(static_cast<double>(logits[c]) - largest) / sum));
}

}  // namespace

Predictions predict(Model& model, engine::Device& device, const Preprocessing& preprocessing,
                    std::int64_t count, const ReadFace& read, int batch) {
  const int size = preprocessing.size;
  const std::int64_t face_bytes = std::int64_t{3} * size * size;
  Predictions out{count, model.config().classes, model.config().regions(), {}, {}};
  std::optional<NetworkInput> input;
  for (std::int64_t begin = 0; begin < count; begin += batch) {
    const std::int64_t n = std::min<std::int64_t>(batch, count - begin);
    std::vector<std::uint8_t> faces(static_cast<std::size_t>(n * face_bytes));
    for (std::int64_t i = 0; i < n; ++i)
      read(begin + i, std::span(faces).subspan(static_cast<std::size_t>(i * face_bytes),
                                               static_cast<std::size_t>(face_bytes)));
    const std::vector<kernels::AugmentParameters> identity(static_cast<std::size_t>(n));
    if (!input || input->batch() != n) input.emplace(device, preprocessing, n);
    input->write(faces, identity);
    engine::Tape tape(device, engine::Mode::evaluate);
    const Model::Output result = model.forward(tape, input->standardised(tape));
    const std::vector<float> logits = result.joint_logits.floats_to_host();
    for (std::int64_t i = 0; i < n; ++i)
      append_softmax(logits.data() + i * out.classes, out.classes, out.probabilities);
    const std::vector<float> weights =
        result.weights ? result.weights.to_host<float>()
                       : std::vector<float>(static_cast<std::size_t>(n * out.regions), 1.0f);
    out.weights.insert(out.weights.end(), weights.begin(), weights.end());
  }
  return out;
}

Predictions predict(Model& model, engine::Device& device, const Preprocessing& preprocessing,
                    const Split& split, int batch) {
  return predict(
      model, device, preprocessing, split.size(),
      [&](std::int64_t i, std::span<std::uint8_t> rgb) { split.read(i, rgb); }, batch);
}

std::vector<int> labels_of(const Split& split) {
  std::vector<int> labels;
  for (const Sample& sample : split.samples) labels.push_back(sample.label);
  return labels;
}

Metrics measure(const Predictions& predictions, const Split& split) {
  return measure(predictions.probabilities, labels_of(split), predictions.classes);
}

double cross_entropy(const Predictions& predictions, const std::vector<int>& labels) {
  double sum = 0;
  for (std::int64_t i = 0; i < predictions.faces; ++i) {
    const float p =
        predictions.probabilities_of(i)[static_cast<std::size_t>(labels[static_cast<std::size_t>(i)])];
    sum -= std::log(std::max(p, 1e-30f));
  }
  return predictions.faces == 0 ? 0 : sum / static_cast<double>(predictions.faces);
}

std::vector<float> mean_weights(const Predictions& predictions) {
  return mean_weights_by_class(predictions, std::vector<int>(static_cast<std::size_t>(predictions.faces), 0))
      .front();
}

std::vector<std::vector<float>> mean_weights_by_class(const Predictions& predictions,
                                                      const std::vector<int>& labels) {
  const auto K = static_cast<std::size_t>(predictions.regions);
  std::vector<std::vector<float>> means;
  for (int c = 0; c < predictions.classes; ++c) {
    std::vector<double> sum(K, 0.0);
    double count = 0;
    for (std::int64_t i = 0; i < predictions.faces; ++i) {
      if (labels[static_cast<std::size_t>(i)] != c) continue;
      ++count;
      for (std::size_t k = 0; k < K; ++k) sum[k] += predictions.weights_of(i)[k];
    }
    std::vector<float>& mean = means.emplace_back();
    for (std::size_t k = 0; k < K && count > 0; ++k) mean.push_back(static_cast<float>(sum[k] / count));
  }
  return means;
}

double weights_entropy(const Predictions& predictions) {
  double sum = 0;
  for (const float w : predictions.weights) {
    const double q = w / static_cast<double>(predictions.regions);
    if (q > 0) sum -= q * std::log(q);
  }
  return predictions.faces == 0 ? 0 : sum / static_cast<double>(predictions.faces);
}

}  // namespace fermion::fer
