// Special registers (%tid, %ctaid, ...): which there are and what they hold.
#pragma once

#include "types.h"

namespace ptxi {

enum SReg {
  SR_TIDX,
  SR_TIDY,
  SR_TIDZ,
  SR_NTX,
  SR_NTY,
  SR_NTZ,
  SR_CTX,
  SR_CTY,
  SR_CTZ,
  SR_NCX,
  SR_NCY,
  SR_NCZ,
  SR_LANE,
  SR_WARP,
  SR_NWARP,
  SR_LEQ,
  SR_LLT,
  SR_LLE,
  SR_LGE,
  SR_LGT,
  SR_CLOCK,
  SR_SMID,
  SR_NSMID,
  SR_GRID,
  SR_DSMEM,
  SR_TSMEM,
  SR_ZERO,
  SR_ONE,
  SR_WSZ,
  SR_GRIDWS_HI,
  SR_GRIDWS_LO
};

int special_register(const std::string& name);  // -1: there is none of this name

}  // namespace ptxi
