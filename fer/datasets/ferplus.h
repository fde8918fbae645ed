// FER+ (Barsoum, Zhang, Canton Ferrer, Zhang, "Training deep networks for facial expression recognition with
// crowd-sourced label distribution", ICMI 2016): ten taggers a face, in the layout
// FER2013{Train,Valid,Test}/label.csv.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

namespace fermion::fer {

// The columns of label.csv. The last two are no expressions: the tagger could not tell, or saw no face.
inline constexpr std::array<std::string_view, 10> ferplus_columns = {
    "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF"};

using FerplusVotes = std::array<int, ferplus_columns.size()>;

// The class (in the order of `expressions`) of the majority as FER+ defines it: single votes are set to zero;
// the winner must have more than half of what is left and be an expression.
std::optional<int> ferplus_majority(const FerplusVotes& votes);

// Each expression's share of the votes for expressions (in the order of `expressions`); empty if there are
// none.
std::vector<float> ferplus_shares(const FerplusVotes& votes);

}  // namespace fermion::fer
