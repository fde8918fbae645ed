#!/usr/bin/env bash
# Where there is no CUDA 13 toolkit: brings its compiler and runtime from PyPI into .toolkit (scripts/cuda_requirements.txt).
# All of it is there at the end, or nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/cuda_home.sh >/dev/null 2>&1 && exit 0

python3 -m pip --version >/dev/null 2>&1 || scripts/setup.sh --pip
echo "setup: bringing a CUDA compiler from PyPI into .toolkit (270 MB)"
part=.toolkit.part
rm -rf "$part" && mkdir "$part"
trap 'rm -rf "$part"' EXIT
if ! python3 -m pip install --quiet --retries 2 --no-deps --require-hashes --only-binary :all: --target "$part" \
  -r scripts/cuda_requirements.txt >"$part/log" 2>&1; then
  grep . "$part/log" | tail -3 >&2
  echo "setup: PyPI gave no CUDA compiler, see above; with a network type make setup-cuda, or install a CUDA 13 toolkit" >&2
  exit 1
fi
ln -s libcudart.so.13 "$part/nvidia/cu13/lib/libcudart.so"
rm -rf .toolkit "$part/log" && mv -T "$part" .toolkit
scripts/cuda_home.sh >/dev/null || { echo "setup: the compiler in .toolkit does not run on this machine" >&2; exit 1; }
