// One run as one self-contained HTML page, report.html: it fetches nothing and opens in any browser.
//
// The report's JSON. All shares and accuracies are in 0..1. Every field may be missing or null; the page then
// leaves out what it would have drawn. K = grid * grid; weights are rows from the top, mean 1.
//
//   title                 text
//   created               text, the date and time
//   command               text, what was typed
//   device, precision     text
//   seed                  number or text
//   parameters            of the network
//   seconds               of the whole training
//   images_per_second     of the training
//   peak_bytes            of tensors and workspace
//   config                {key: value}
//   classes               [name], in the order of the confusion matrices
//   grid                  regions a side
//   data.dataset          text
//   data.splits           {train|holdout|valid|test: {class: images}}, the faces used that have a label
//   data.images           {train|holdout|valid|test: images}, all faces used
//   data.notes            [text], a sentence each: what was dropped, how the splits were cut
//   epochs                [{epoch, learning_rate, seconds, images_per_second,
//                           train: {loss, joint, non_local, local, entropy, accuracy, gradient_norm},
//                           holdout: {loss, accuracy, mean_class_accuracy},
//                           region_weights: [K], mean over the held-out faces,
//                           weights_entropy: mean over the faces of -sum q ln q, q = w/K}]
//   best_epoch            the `epoch` whose weights are kept
//   splits                {train|holdout|valid|test: what to_json(Metrics) gives}; the last of these is the
//                         headline
//   mean_face             data URI, drawn under the mean map
//   mean_face_by_class    {class: data URI}, drawn under the class's map
//   region_weights_by_class  {class: [K]}, mean over the class's faces
//   region_auc            {value, mean_map, expression_map, faces, by_expression: {class: the same}}
//   deletion              {baseline: accuracy, top: its drop, random: its drop, regions: how many, images}
//   examples              [{image: data URI, path, label, prediction, probability, weights: [K]}]
//   notes                 [text], a sentence each
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "fer/image.h"

namespace fermion::fer {

// "data:image/png;base64,...", for the report's pictures.
std::string data_uri(const Image& image);

// Text that is not UTF-8, as a path may be, gets U+FFFD in its place.
std::string report_page(const nlohmann::json& report);

// Atomic (see write_file).
void write_report(const std::filesystem::path& path, const nlohmann::json& report);

}  // namespace fermion::fer
