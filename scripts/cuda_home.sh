#!/usr/bin/env bash
# Finds a CUDA 13 toolkit and prints its folder and its nvcc, two words: that of NVCC or CUDA_HOME where they are given,
# of the nvcc on PATH, of /usr/local/cuda, or .toolkit, where `make setup-cuda` puts one. What is found and will not do is
# named on stderr. Exit status 1: there is none.
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
empty=$(mktemp --suffix=.cu)
trap 'rm -f "$empty"' EXIT

try() { # nvcc, what to call it
  local nvcc release home
  nvcc=$(command -v "$1") || { [ -z "$2" ] || echo "$2 leads to $1, where there is no nvcc: looking elsewhere" >&2; return; }
  release=$("$nvcc" --version 2>/dev/null | sed -nE 's/.*release ([0-9.]+).*/\1/p')
  if [ "${release%%.*}" != 13 ]; then
    echo "$nvcc is of CUDA ${release:-(unknown)}, and Fermion needs CUDA 13: looking elsewhere" >&2
    return
  fi
  # nvcc on PATH may be a script that calls the real one, which knows where it is.
  home=$("$nvcc" --dryrun -c "$empty" 2>&1 | sed -nE 's/^#\$ TOP=//p')
  home=$(cd "$home" && pwd -P) || return
  [ -e "$home/include/cuda_runtime.h" ] || return
  echo "$home $(cd "$(dirname "$nvcc")" && pwd)/$(basename "$nvcc")"
  exit 0
}

[ -z "${NVCC:-}" ] || try "$NVCC" NVCC
[ -z "${CUDA_HOME:-}" ] || try "$CUDA_HOME/bin/nvcc" CUDA_HOME
try nvcc ""
try /usr/local/cuda/bin/nvcc ""
try "$here/.toolkit/nvidia/cu13/bin/nvcc" ""
exit 1
