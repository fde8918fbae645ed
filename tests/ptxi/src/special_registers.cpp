#include "special_registers.h"

#include <algorithm>
#include <iterator>

#include "block.h"

namespace ptxi {
namespace {

struct Thread {
  const Block& block;
  unsigned warp, lane;

  unsigned x() const { return (32 * warp + lane) % block.b[0]; }
  unsigned y() const { return (32 * warp + lane) / block.b[0] % block.b[1]; }
  unsigned z() const { return (32 * warp + lane) / block.b[0] / block.b[1]; }
};

u64 zero(const Thread&) {
  return 0;
}
u64 one(const Thread&) {
  return 1;
}

struct Special {
  const char* name;
  u64 (*value)(const Thread&);
  bool differs_by_block = false;
};

const Special specials[] = {
    {"%tid.x", [](const Thread& t) -> u64 { return t.x(); }},
    {"%tid.y", [](const Thread& t) -> u64 { return t.y(); }},
    {"%tid.z", [](const Thread& t) -> u64 { return t.z(); }},
    {"%ntid.x", [](const Thread& t) -> u64 { return t.block.b[0]; }},
    {"%ntid.y", [](const Thread& t) -> u64 { return t.block.b[1]; }},
    {"%ntid.z", [](const Thread& t) -> u64 { return t.block.b[2]; }},
    {"%ctaid.x", [](const Thread& t) -> u64 { return t.block.c[0]; }, true},
    {"%ctaid.y", [](const Thread& t) -> u64 { return t.block.c[1]; }, true},
    {"%ctaid.z", [](const Thread& t) -> u64 { return t.block.c[2]; }, true},
    {"%nctaid.x", [](const Thread& t) -> u64 { return t.block.g[0]; }},
    {"%nctaid.y", [](const Thread& t) -> u64 { return t.block.g[1]; }},
    {"%nctaid.z", [](const Thread& t) -> u64 { return t.block.g[2]; }},
    {"%laneid", [](const Thread& t) -> u64 { return t.lane; }},
    {"%warpid", [](const Thread& t) -> u64 { return t.warp; }},
    {"%nwarpid", [](const Thread& t) -> u64 { return t.block.warps.size(); }},
    {"%lanemask_eq", [](const Thread& t) -> u64 { return 1u << t.lane; }},
    {"%lanemask_lt", [](const Thread& t) -> u64 { return (1u << t.lane) - 1; }},
    {"%lanemask_le", [](const Thread& t) -> u64 { return (2ull << t.lane) - 1; }},
    {"%lanemask_ge", [](const Thread& t) -> u64 { return ~((1u << t.lane) - 1); }},
    {"%lanemask_gt", [](const Thread& t) -> u64 { return static_cast<u32>(~((2ull << t.lane) - 1)); }},
    {"%clock", zero},
    {"%clock_hi", zero},
    {"%clock64", zero},
    {"%globaltimer", zero},
    {"%globaltimer_lo", zero},
    {"%globaltimer_hi", zero},
    {"%smid", zero},
    {"%nsmid", one},
    {"%gridid", zero},
    {"%dynamic_smem_size", [](const Thread& t) -> u64 { return t.block.dyn_smem; }},
    {"%total_smem_size", [](const Thread& t) -> u64 { return t.block.shared_total; }},
    {"WARP_SZ", [](const Thread&) -> u64 { return 32; }},
    {"%envreg1", [](const Thread& t) -> u64 { return t.block.grid_workspace >> 32; }},
    {"%envreg2", [](const Thread& t) -> u64 { return static_cast<u32>(t.block.grid_workspace); }},
    {"%cluster_ctaid.x", zero},
    {"%cluster_ctaid.y", zero},
    {"%cluster_ctaid.z", zero},
    {"%cluster_ctarank", zero},
    {"%cluster_nctarank", one},
    {"%cluster_nctaid.x", one},
    {"%cluster_nctaid.y", one},
    {"%cluster_nctaid.z", one},
};

}  // namespace

int special_register(const std::string& name) {
  const auto* found = std::find_if(std::begin(specials), std::end(specials),
                                   [&](const Special& s) { return name == s.name; });
  return found == std::end(specials) ? -1 : static_cast<int>(found - specials);
}

bool differs_by_block(int special) {
  return specials[special].differs_by_block;
}

u64 special_value(int special, const Block& block, int warp, int lane) {
  return specials[special].value({block, static_cast<unsigned>(warp), static_cast<unsigned>(lane)});
}

}  // namespace ptxi
