#!/usr/bin/env bash
# Brings kernels that others wrote into .outside: the source package of flash-attn from PyPI (source.txt), which holds
# CUTLASS's headers too. All of it is there at the end, or nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tests/outside
cmp -s $here/source.txt .outside/source.txt && exit 0

python3 -m pip --version >/dev/null 2>&1 || scripts/setup.sh --pip
echo "outside: bringing the sources of $(cut -d' ' -f1 $here/source.txt) from PyPI into .outside (8 MB)"
part=.outside.part
rm -rf "$part" && mkdir "$part"
trap 'rm -rf "$part"' EXIT
if ! PYTHONPATH=$PWD/$here/no_build python3 -m pip download --quiet --retries 2 --no-deps --require-hashes --no-binary :all: \
  --use-pep517 --no-build-isolation --dest "$part" -r $here/source.txt >"$part/log" 2>&1; then
  grep . "$part/log" | tail -3 >&2
  echo "outside: PyPI did not give the sources, see above" >&2
  exit 1
fi
tar -xzf "$part"/*.tar.gz -C "$part" --strip-components=2 --wildcards \
  '*/csrc/cutlass/include' '*/csrc/cutlass/examples/41_fused_multi_head_attention' '*/csrc/flash_attn/src'
cp $here/source.txt "$part"
rm -rf .outside "$part"/*.tar.gz "$part/log" && mv -T "$part" .outside
