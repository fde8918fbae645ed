// Special registers: names, and values for each lane.

#include "special_registers.h"

#include <unordered_map>

#include "block.h"

namespace ptxi {

using std::string;

int special_register(const string& n) {
  static const std::unordered_map<string, int> m = {{"%tid.x", SR_TIDX},
                                                    {"%tid.y", SR_TIDY},
                                                    {"%tid.z", SR_TIDZ},
                                                    {"%ntid.x", SR_NTX},
                                                    {"%ntid.y", SR_NTY},
                                                    {"%ntid.z", SR_NTZ},
                                                    {"%ctaid.x", SR_CTX},
                                                    {"%ctaid.y", SR_CTY},
                                                    {"%ctaid.z", SR_CTZ},
                                                    {"%nctaid.x", SR_NCX},
                                                    {"%nctaid.y", SR_NCY},
                                                    {"%nctaid.z", SR_NCZ},
                                                    {"%laneid", SR_LANE},
                                                    {"%warpid", SR_WARP},
                                                    {"%nwarpid", SR_NWARP},
                                                    {"%lanemask_eq", SR_LEQ},
                                                    {"%lanemask_lt", SR_LLT},
                                                    {"%lanemask_le", SR_LLE},
                                                    {"%lanemask_ge", SR_LGE},
                                                    {"%lanemask_gt", SR_LGT},
                                                    {"%clock", SR_CLOCK},
                                                    {"%clock_hi", SR_ZERO},
                                                    {"%clock64", SR_CLOCK},
                                                    {"%globaltimer", SR_CLOCK},
                                                    {"%globaltimer_lo", SR_CLOCK},
                                                    {"%globaltimer_hi", SR_ZERO},
                                                    {"%smid", SR_SMID},
                                                    {"%nsmid", SR_NSMID},
                                                    {"%gridid", SR_GRID},
                                                    {"%dynamic_smem_size", SR_DSMEM},
                                                    {"%total_smem_size", SR_TSMEM},
                                                    {"WARP_SZ", SR_WSZ},
                                                    {"%envreg1", SR_GRIDWS_HI},
                                                    {"%envreg2", SR_GRIDWS_LO},
                                                    {"%cluster_ctaid.x", SR_ZERO},
                                                    {"%cluster_ctaid.y", SR_ZERO},
                                                    {"%cluster_ctaid.z", SR_ZERO},
                                                    {"%cluster_ctarank", SR_ZERO},
                                                    {"%cluster_nctarank", SR_ONE},
                                                    {"%cluster_nctaid.x", SR_ONE},
                                                    {"%cluster_nctaid.y", SR_ONE},
                                                    {"%cluster_nctaid.z", SR_ONE}};
  auto i = m.find(n);
  return i == m.end() ? -1 : i->second;
}

}  // namespace ptxi
