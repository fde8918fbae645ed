#include "fer/assets.h"

// The assembler copies the files into the program; the Makefile builds this file anew when one of them
// changes.
#define INCLUDE(file) ".incbin \"" file "\"\n"
#define ASSET(name, files)                                      \
  __asm__(                                                      \
      ".pushsection .rodata\n"                                  \
      ".global fermion_asset_" #name                            \
      "\n"                                                      \
      ".global fermion_asset_" #name                            \
      "_end\n"                                                  \
      "fermion_asset_" #name ":\n" files "fermion_asset_" #name \
      "_end:\n"                                                 \
      ".popsection\n");                                         \
  extern "C" const char fermion_asset_##name[];                 \
  extern "C" const char fermion_asset_##name##_end[];           \
  std::string_view fermion::fer::assets::name() {               \
    return {fermion_asset_##name, fermion_asset_##name##_end};  \
  }

ASSET(page, INCLUDE("fer/report/page.html"))
ASSET(style, INCLUDE("fer/report/style.css"))
ASSET(chart, INCLUDE(CHART_JS))
ASSET(script,
      INCLUDE("fer/report/base.js") INCLUDE("fer/report/figure.js") INCLUDE("fer/report/plots.js")
          INCLUDE("fer/report/training.js") INCLUDE("fer/report/classes.js") INCLUDE("fer/report/regions.js")
              INCLUDE("fer/report/evidence.js") INCLUDE("fer/report/facts.js") INCLUDE("fer/report/start.js"))
