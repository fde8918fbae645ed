// How good a classifier is, from its probabilities. All shares are in 0..1. M[i][j] counts the images of
// class i that were called j; the call is the first class of greatest probability.
//
//   accuracy     sum_i M[i][i] / n
//   recall_i     M[i][i] / sum_j M[i][j]
//   precision_i  M[i][i] / sum_j M[j][i]
//   F1_i         2 M[i][i] / (sum_j M[i][j] + sum_j M[j][i])
//
// Mean class accuracy and macro F1 are the means of recall_i and F1_i over the classes that have images.
//
//   ECE          sum_b n_b / n |accuracy_b - confidence_b|
//
// over 15 bins of equal width of the greatest probability; bin b holds (b/15, (b+1)/15] (Guo, Pleiss, Sun,
// Weinberger, "On calibration of modern neural networks", ICML 2017).
//
//   interval     (p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n), z = 1.959964
//
// is Wilson's score interval at 95 % (JASA 22, 1927).
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

namespace fermion::fer {

struct Interval {
  double low = 0, high = 1;
};

Interval wilson_interval(std::int64_t correct, std::int64_t count);

// NaN stands for a share of nothing (the recall of a class without images, the precision of one never
// called); JSON shows it as null.
struct Metrics {
  std::int64_t images = 0;
  double accuracy = 0, mean_class_accuracy = 0, macro_f1 = 0, ece = 0;
  Interval interval;                                 // of the accuracy
  std::vector<std::vector<std::int64_t>> confusion;  // [true class][predicted class]
  std::vector<double> precision, recall;             // by class
};

// probabilities [n, classes] row by row, labels [n] in 0..classes - 1. Throws engine::Error if the sizes do
// not match, if there are no images, if a label is out of range or a probability is not finite.
Metrics measure(std::span<const float> probabilities, std::span<const int> labels, int classes);

// The keys that `fer eval` prints: images, accuracy, accuracy_interval, mean_class_accuracy, macro_f1, ece,
// confusion, and precision and recall by class name.
nlohmann::json to_json(const Metrics& metrics, const std::vector<std::string>& class_names);

// ROC AUC: the share of pairs (one element in the set, one outside) in which the one inside scores higher,
// ties counting one half; from midranks r: (sum of r inside - m(m+1)/2) / (m (n - m)), m elements inside. NaN
// if one side is empty. Throws engine::Error if the sizes differ or a score is NaN.
double roc_auc(std::span<const float> scores, const std::vector<bool>& inside);

}  // namespace fermion::fer
