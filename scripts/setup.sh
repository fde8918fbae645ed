#!/usr/bin/env bash
# Installs the Debian packages that Fermion needs and that are missing. Asks for nothing.
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
  "libjs-chart.js:curves in report.html"
)
[ "${1:-}" = --check ] && packages+=("clang-format:make check")

missing=()
for entry in "${packages[@]}"; do
  name=${entry%%:*}
  dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'ok installed' && continue
  [ ${#missing[@]} -eq 0 ] && echo "setup: installing what is missing:"
  echo "  $name (${entry#*:})"
  missing+=("$name")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "setup: no apt-get here; install the packages above with your system's package manager, then run make again" >&2
  exit 1
fi
sudo=()
if [ "$(id -u)" -ne 0 ]; then
  if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
    sudo=(sudo)
  else
    echo "setup: this needs root; type: su -c 'apt-get update && apt-get install -y ${missing[*]}'" >&2
    exit 1
  fi
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${sudo[@]}" apt-get update && DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -5 "$log" >&2
  echo "setup: apt-get failed; mend the cause above, or type: apt-get install ${missing[*]}" >&2
  exit 1
fi
