// What of a kernel can come after an instruction.
#include <vector>

#include "block.h"

namespace ptxi {

// What comes after an instruction, itself only in a loop.
static std::vector<bool> reached(int from, const std::vector<std::vector<int>>& next) {
  std::vector<bool> seen(next.size());
  for (std::vector<int> left = next[(size_t)from]; !left.empty();) {
    const size_t at = (size_t)left.back();
    left.pop_back();
    if (seen[at]) continue;
    seen[at] = true;
    left.insert(left.end(), next[at].begin(), next[at].end());
  }
  return seen;
}

// Whether a thread at `pc` has left out the barrier at which others of its warp wait: they may come there
// afterwards, of a barrier in a loop without leaving the loop. Others exit in code of their own.
bool Block::beyond_barrier(int barrier, int pc) {
  const auto [entry, fresh] = beyond.try_emplace(barrier);
  std::vector<bool>& after = entry->second;
  if (!fresh) return after[(size_t)pc];
  std::vector<std::vector<int>> next(k.code.size()), before(k.code.size());
  for (int at = 0; at < (int)k.code.size(); at++) {
    const Instruction& in = k.code[(size_t)at];
    const bool jumps = in.op == O_bra || in.op == O_brx || in.op == O_exit || in.op == O_ret;
    if (in.op == O_bra) next[(size_t)at].push_back(in.target);
    if (in.op == O_brx) next[(size_t)at] = k.tables[in.target];
    if ((!jumps || in.pred >= 0) && at + 1 < (int)k.code.size()) next[(size_t)at].push_back(at + 1);
    for (int to : next[(size_t)at]) before[(size_t)to].push_back(at);
  }
  after = reached(barrier, next);
  if (!after[(size_t)barrier]) return after[(size_t)pc];
  const std::vector<bool> comes_to_it = reached(barrier, before);
  for (size_t at = 0; at < after.size(); at++) after[at] = after[at] && comes_to_it[at];
  return after[(size_t)pc];
}

}  // namespace ptxi
