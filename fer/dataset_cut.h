// Which faces belong together, and which of them choose the epoch.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace fermion::fer {

// A number for each face, equal for faces that are linked, directly or through others, by the same pixel hash
// or the same (not empty) subject. Groups are numbered from 0 in the order of their first faces.
std::vector<int> group_faces(std::span<const std::uint64_t> hashes, std::span<const std::string> subjects);

// The faces of whole groups that bring each class near to `share` of its faces: groups are walked in an order
// drawn from `seed`, and one is taken if it lowers sum_c |taken_c - share n_c|. So a class whose faces are
// all alone in their groups gets share n_c, rounded. Faces with label -1 do not count, but go with their
// group.
std::vector<bool> cut_holdout(std::span<const int> groups, std::span<const int> labels, int classes,
                              double share, std::uint64_t seed);

}  // namespace fermion::fer
