// The files of fer/report/ and Chart.js, as they were when the program was built.
#pragma once

#include <string_view>

namespace fermion::fer::assets {

std::string_view page();    // report/page.html, with {{name}} where the rest goes
std::string_view style();   // report/style.css
std::string_view script();  // report/*.js, one after the other
std::string_view chart();   // Chart.js

}  // namespace fermion::fer::assets
