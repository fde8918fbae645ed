// fer faces --out FILE: a contact sheet of synthetic faces.
#pragma once

#include <filesystem>

#include "fer/contact_sheet.h"

namespace fermion::fer {

struct FacesOptions {
  std::filesystem::path out;  // PNG
  ContactSheet sheet;
  bool key = false;
};

// Writes the sheet, prints with `key` one line "NUMBER EXPRESSION" per face to stdout, in reading order, and
// returns 0. Throws UsageError for a sheet that cannot be drawn and a name of another format, engine::Error
// for a file that cannot be written.
int faces_command(const FacesOptions& options);

}  // namespace fermion::fer
