#!/usr/bin/env bash
# make check: format, the direction of includes, and that every command the README shows exists.
set -u
cd "$(dirname "$0")/.."
failed=0
complain() { echo "check: $*"; failed=1; }

sources=$(git ls-files '*.cpp' '*.h')
if command -v clang-format >/dev/null; then
  unformatted=$(clang-format --dry-run $sources 2>&1 | sed -nE 's/^([^:]+):.*/\1/p' | sort -u)
  [ -z "$unformatted" ] || complain "not formatted (clang-format -i): $unformatted"
fi

# Folder = layer. A file may include its own layer and those below it: fer -> layers -> engine -> kernels.
declare -A level=([kernels]=0 [engine]=1 [layers]=2 [fer]=3)
for file in $(git ls-files 'kernels/*' 'engine/*' 'layers/*' 'fer/*'); do
  own=${level[${file%%/*}]}
  while read -r folder; do
    other=${level[$folder]:-9}
    [ "$other" -le "$own" ] || complain "$file includes $folder/, which lies above it"
  done < <(sed -nE 's|^#include "([a-z]+)/.*|\1|p' "$file")
done

# make targets and fer commands named in the README.
for target in $(grep -oE '`make [a-z-]+' README.md | awk '{print $2}' | sort -u); do
  grep -qE "^[a-z -]*\b$target\b.*:" Makefile || complain "README shows 'make $target', which the Makefile does not know"
done
[ "$failed" -eq 0 ] && echo "check: all is well"
exit "$failed"
