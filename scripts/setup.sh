#!/usr/bin/env bash
# Installs the Debian packages that Fermion needs and that are missing. Asks for nothing but, where there is a
# terminal, sudo's password. `--check` adds what only `make check` needs, `--pip` what scripts/setup_cuda.sh does,
# `--python` what scripts/mutants does.
set -euo pipefail

packages=(
  "g++:C++20 compiler"
  "make:the build"
  "libdnnl-dev:oneDNN, convolution and GEMM on the CPU"
  "libhwy-dev:Highway, SIMD loops that choose the instruction set at run time"
  "libfmt-dev:text formatting"
  "libcli11-dev:command-line parsing"
  "nlohmann-json3-dev:JSON"
  "libtomlplusplus-dev:TOML configuration files"
  "libstb-dev:reading and writing images"
  "doctest-dev:unit tests"
  "libzstd-dev:what nvcc compresses into programs, for tests/ptxi"
  "libjs-chart.js:curves in report.html"
)
[ "${1:-}" = --check ] && packages+=("clang-format:make check")
[ "${1:-}" = --pip ] && packages+=("python3-pip:bringing a CUDA compiler from PyPI")
[ "${1:-}" = --python ] && packages+=("python3:mutants of the kernels")

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "setup: this is no Debian; the build needs what these Debian packages hold, so install them if it fails:" >&2
  printf '  %s\n' "${packages[@]/:/: }" >&2
  exit 0
fi

missing=()
for entry in "${packages[@]}"; do
  name=${entry%%:*}
  dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'ok installed' && continue
  [ ${#missing[@]} -gt 0 ] || echo "setup: packages that are missing:"
  echo "  $name (${entry#*:})"
  missing+=("$name")
done
[ ${#missing[@]} -gt 0 ] || exit 0

root=()
if [ "$(id -u)" -ne 0 ]; then
  by_hand="apt-get update && apt-get install -y ${missing[*]}"
  if ! command -v sudo >/dev/null; then
    echo "setup: installing them needs root; type: su -c '$by_hand'" >&2
    exit 1
  fi
  if ! sudo -n true 2>/dev/null && ! [ -t 0 ]; then
    echo "setup: sudo wants a password and there is no terminal to ask on; type: sudo sh -c '$by_hand'" >&2
    exit 1
  fi
  root=(sudo)
fi
echo "setup: installing them"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${root[@]}" apt-get update && "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -5 "$log" >&2
  echo "setup: apt-get failed, its last lines are above; mend the cause and type make again" >&2
  exit 1
fi
