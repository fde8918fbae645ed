#!/usr/bin/env bash
# Prints where nvdisasm is: that of the CUDA toolkit in folder $1, or one from PyPI, which it brings into
# .toolkit-nvdisasm unless it is there.
set -euo pipefail
cd "$(dirname "$0")/.."
tool=${1:-}/bin/nvdisasm
[ -x "$tool" ] && echo "$tool" && exit
to=.toolkit-nvdisasm
tool=$PWD/$to/nvidia/cu13/bin/nvdisasm
[ -x "$tool" ] && echo "$tool" && exit

python3 -m pip --version >/dev/null 2>&1 || scripts/setup.sh --pip >&2
echo "setup: bringing nvdisasm from PyPI into $to (6 MB)" >&2
rm -rf "$to"
if ! python3 -m pip install --quiet --retries 2 --no-deps --require-hashes --only-binary :all: --target "$to" \
  -r scripts/nvdisasm_requirements.txt >&2; then
  rm -rf "$to"
  echo "setup: PyPI gave no nvdisasm, see above; a CUDA toolkit has it too" >&2
  exit 1
fi
chmod +x "$tool"
echo "$tool"
