#include "fer/printable.h"

#include "tests/fer/answer.h"
#include "tests/fer/predicted_pictures.h"

using namespace fermion::fer;
using namespace std::string_literals;

TEST_CASE("control characters are escaped, and nothing else") {
  CHECK(printable("plain name (2).png") == "plain name (2).png");
  CHECK(printable("a\nb\tc\rd") == "a\\nb\\tc\\rd");
  CHECK(printable("\x1b[31mred\x7f\0end"s) == "\\x1b[31mred\\x7f\\x00end");
  CHECK(printable("\xc2\x9b"
                  "31m\xc2\x80") == "\\xc2\\x9b31m\\xc2\\x80");
  for (const char* kept : {"gesicht-ä.png", "\xc2\xa0", "\xc2", "\xff\x9b", "日本", "back\\slash", ""})
    CHECK(printable(kept) == kept);
}

TEST_CASE("a file's name cannot steer the terminal") {
  const TemporaryFolder folder;
  const std::string bad = folder / "bad\x1b[2J\nfer: all is well.png",
                    shown = "bad\\x1b[2J\\nfer: all is well.png";
  const auto check_shown = [&](const Answer& answer, int status) {
    INFO(printable(answer.text));
    CHECK(answer.status == status);
    CHECK(contains(answer.text, shown));
    CHECK(!contains(answer.text, "\x1b"));
    CHECK(!contains(answer.text, "\nfer: all is well"));
  };
  const std::string model = minute_run().best;
  write_png(bad, face(1));
  const Answer table = answer_to({"predict", "--model", model, bad, folder / "missing.png"});
  check_shown(table, 1);
  CHECK(contains(table.text, shown + "  "));  // the column is as wide as what is shown
  write_file(bad, "words");
  check_shown(answer_to({"predict", "--model", model, bad}), 1);  // an error
  write_png(bad, resize(face(1), 65, 32));
  check_shown(answer_to({"predict", "--model", model, bad}), 0);  // a warning
  check_shown(answer_to({"eval", bad}), 1);

  for (int i = 0; i < 30; ++i)
    write_picture(folder / "set" / "train" / (i % 2 ? "happy" : "sad") / fmt::format("{}.png", i), i);
  const std::filesystem::path inside = folder / "set" / "train" / "sad";
  std::filesystem::copy_file(bad, inside / std::filesystem::path(bad).filename());
  CHECK(answer_to({"data", folder / "set"}).status == 0);
  write_file(inside / std::filesystem::path(bad).filename(), "words");
  check_shown(answer_to({"data", folder / "set"}), 1);
  check_shown(answer_to({"train", "--data", folder / "set", "--out", folder / "run"}), 1);
}
