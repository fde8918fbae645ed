// A finished run of a minute network on a few drawn faces, trained once per test program.
#pragma once

#include <nlohmann/json.hpp>

#include "fer/dataset.h"
#include "fer/files.h"
#include "fer/train.h"
#include "tests/fer/temporary_folder.h"

namespace fermion::fer {

inline constexpr int minute_size = 32, minute_faces = 64;

struct MinuteRun {
  TemporaryFolder folder;
  std::filesystem::path run = folder / "run", best = run / "best.safetensors";

  MinuteRun() {
    TrainOptions options;
    for (const char* assignment : {"size=32", "faces=64", "epochs=1", "batch=16", "threads=1"})
      set_option(options.config, assignment);
    options.out = run;
    train_command(options);
  }
};

inline const MinuteRun& minute_run() {
  static const MinuteRun run;
  return run;
}

inline Image face_of(const Split& split, std::int64_t sample) {
  Image face{split.faces->width(), split.faces->height(), {}};
  face.rgb.resize(static_cast<std::size_t>(split.faces->bytes_per_face()));
  split.read(sample, face.rgb);
  return face;
}

inline nlohmann::json read_json(const std::filesystem::path& path) {
  const std::vector<std::uint8_t> bytes = read_file(path);
  return nlohmann::json::parse(bytes.begin(), bytes.end());
}

}  // namespace fermion::fer
