#include <cstdio>

int main() {
  std::puts("usage: fer train|eval|predict|info|faces|data|devices");
  return 2;
}
