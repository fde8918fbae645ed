#define DOCTEST_CONFIG_IMPLEMENT
#include <cstdlib>
#include <doctest/doctest.h>
#include <string_view>

int main(int argc, char** argv) {
  // Where the CPU is under test, nobody sees a GPU, the programs that tests start neither.
  const char* device = std::getenv("DEVICE");
  if (!device || std::string_view(device) != "cuda") setenv("CUDA_VISIBLE_DEVICES", "", 1);
  return doctest::Context(argc, argv).run();
}
