// The faces that the program draws, as a data set.
#pragma once

#include "fer/dataset.h"
#include "fer/synth_faces.h"

namespace fermion::fer {

// Faces 0 .. faces - 1 of the seed to train on, an eighth as many to choose the epoch and a quarter as many
// to test, but at least 7, from stretches of indices of their own. Several threads draw.
Dataset draw_dataset(std::uint64_t seed, int faces, int size, int threads);

// Where the splits' faces begin; sample i of a split is face begin + i.
std::int64_t first_face(SplitName split);

}  // namespace fermion::fer
