// What the program answers to words.
#pragma once

#include "tests/fer/generated_sets.h"
#include "tests/fer/temporary_folder.h"
#include "tests/training/program.h"

namespace fermion::fer {

using Words = std::vector<std::string>;

// For the child that becomes the program: no GPU is there, nor what stands in for one.
inline void hide_gpus() {
  ::unsetenv("LD_LIBRARY_PATH");
  ::setenv("CUDA_VISIBLE_DEVICES", "", 1);
}

struct Answer {
  int status;
  std::string text;  // of stdout and stderr
};

inline Answer answer_to(const Words& words, const std::function<void()>& prepare = {}) {
  const TemporaryFolder folder;
  Program program(words, folder / "log", prepare);
  const int status = program.wait();
  return {status, program.output()};
}

inline void check_refused(const Words& words, int status, const std::string& sentence,
                          const std::function<void()>& prepare = {}) {
  const Answer answer = answer_to(words, prepare);
  INFO(answer.text);
  CHECK(answer.status == status);
  CHECK(contains(answer.text, sentence));
  CHECK(answer.text.find("terminate") == std::string::npos);
}

}  // namespace fermion::fer
