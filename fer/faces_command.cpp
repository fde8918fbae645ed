#include "fer/faces_command.h"

#include "fer/config.h"
#include "fer/files.h"
#include "fer/picture_files.h"
#include "fer/printable.h"
#include "fer/synth_faces.h"

namespace fermion::fer {

int faces_command(const FacesOptions& options) {
  const ContactSheet& sheet = options.sheet;
  if (options.out.has_extension() && !is_png(options.out))
    throw UsageError("a sheet is written as PNG; '{}' needs another name", printable(options.out.string()));
  if (options.key && is_stdout(options.out)) throw UsageError("--out and --key cannot both go to stdout");
  write_png(options.out, draw_contact_sheet(sheet));
  fmt::print(stderr, "{}: {} faces of {} px, seed {}\n", options.out.string(), sheet_faces(sheet).size(),
             sheet.size, sheet.seed);
  if (options.key) {
    int number = 0;
    for (const std::int64_t face : sheet_faces(sheet))
      fmt::print("{} {}\n", ++number, name(expression_at(sheet.seed, face)));
  }
  return 0;
}

}  // namespace fermion::fer
