#!/usr/bin/env bash
# make check: format, the direction of includes, scripts, and that what the README shows exists.
set -u
cd "$(dirname "$0")/.."
failed=0
complain() { echo "check: $*"; failed=1; }

unformatted=$(clang-format --dry-run $(git ls-files '*.cpp' '*.h' '*.cu' '*.cuh') 2>&1 | sed -nE 's/^([^:]+):.*/\1/p' | sort -u)
[ -z "$unformatted" ] || complain "not formatted (clang-format -i):" $unformatted

# Folder = layer. A file may include its own layer and those below it: fer -> layers -> engine -> kernels.
declare -A level=([kernels]=0 [engine]=1 [layers]=2 [fer]=3)
for file in $(git ls-files 'kernels/*' 'engine/*' 'layers/*' 'fer/*'); do
  own=${level[${file%%/*}]}
  while read -r header; do
    other=${level[${header%%/*}]:-9}
    [ "$other" -le "$own" ] || complain "$file includes $header, which is not of its layer or one below it"
  done < <(sed -nE 's|^#include "([^"]+)".*|\1|p' "$file")
done

for script in .ci/run scripts/run $(git ls-files '*.sh'); do
  bash -n "$script" || complain "$script is no valid script"
  [ -x "$script" ] || complain "$script is not executable"
done

# What lies outside the tree is not there for whoever cloned it.
outside=$(git grep -lIE '\.\./share[d]|/wor[k]/' -- . ':!tests/goldens/*.safetensors')
[ -z "$outside" ] || complain "paths outside the tree in" $outside

# The README: targets of make, all of them in `make help`; commands of fer and their options; files it points to.
targets=$(sed -nE 's/^\.PHONY: *//p' Makefile)
for target in $(grep -oE '(^ *|`)make [a-z-]+' README.md | awk '{print $NF}' | sort -u); do
  grep -qw -- "$target" <<<"$targets" || complain "README shows 'make $target', which the Makefile does not know"
done
help=$(make --no-print-directory help)
for target in $targets; do
  [[ $target =~ ^(all|help)$ ]] || grep -q "^make $target " <<<"$help" || complain "make help leaves out $target"
done
for op in $(grep -oE 'OP=[a-z0-9_]+' <<<"$help" | sort -u | sed '/=name$/d; s/OP=//'); do
  [ -e "tests/cases/$op.cpp" ] || complain "make help shows OP=$op, which does not exist"
done
commands=$(bin/fer --help)
while read -r command; do
  read -r name rest <<<"${command##*fer }"
  grep -q "^  $name " <<<"$commands" || complain "README shows 'fer $name', which does not exist"
  options=$(bin/fer "$name" --help 2>&1)
  for option in $(grep -oE -- '--[a-z-]+' <<<"$rest"); do
    grep -q -- "$option\b" <<<"$options" || complain "README shows 'fer $name $option', which does not exist"
  done
done < <(grep -oE '(^ *|`)(bin/)?fer [a-z-]+[^`#]*' README.md)
for file in $(grep -oE '\]\([a-zA-Z0-9_./-]+\)' README.md docs/*.md | sed -E 's/.*\]\((.*)\)/\1/' | grep -v '^http'); do
  [ -e "$file" ] || [ -e "docs/$file" ] || complain "there is no $file, to which a page points"
done

[ "$failed" -eq 0 ] && echo "check: all is well"
exit "$failed"
