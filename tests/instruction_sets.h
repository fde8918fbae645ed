// Tests on every instruction set that kernels are built for, not only the best one of this machine.
#pragma once

#include <hwy/targets.h>

namespace fermion::test {

// Calls body(name) once for each instruction set that the machine has.
template <class Body>
void on_every_instruction_set(const Body& body) {
  struct Restore {
    ~Restore() { choose(0); }
    static void choose(std::int64_t target) {
      hwy::SetSupportedTargetsForTest(target);  // 0: what the machine has
      hwy::GetChosenTarget().DeInit();
    }
  } restore;
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    restore.choose(target);
    body(hwy::TargetName(target));
  }
}

}  // namespace fermion::test
