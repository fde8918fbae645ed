#!/usr/bin/env bash
# make bench GPU=interpreted: what tests/ptxi counts of every op at the shapes of lnl-base, beside what it is to reach.
#   scripts/bench_interpreted.sh BENCH [its options: --op, --case, --precision, --json, --images]
#   scripts/bench_interpreted.sh BENCH --step [--images N]     a whole training step
set -eu
bench=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Counters do not need the checks.
export PTXI_COUNTERS=$work/counters.json PTXI_COUNTERS_RANGE=1 PTXI_COUNTERS_LAUNCHES=1000000 PTXI_SHARED=0 PTXI_INIT=0 PTXI_RACE=0
case " $* " in *" --step "*)  # a whole one
  [ "$1" = --step ] && [ "${2---images}" = --images ] || {
    echo "bench: with GPU=interpreted, --step takes --images N behind it and nothing else" >&2
    exit 2
  }
  images=${3:-4}
  PTXI_MEM=${PTXI_MEM:-20000} "$(dirname "$0")/run" bin/fer train --device cuda --preset lnl-base --precision bf16 \
    --set batch="$images" --set faces=$((4 * images)) --profile-steps 1
  bin/fer info --step --json --set batch="$images" >"$work/stated.json"
  python3 "$(dirname "$0")/count_step.py" "$work/counters.json" "$work/stated.json"
  exit ;;
esac
"$(dirname "$0")/run" "$bench" --device cuda --count "$work/calls.json" "$@"
# The most dynamic shared memory of each kernel's launches: make ptxas reads it. Of kernels that did not run, what is known.
awk -F '": ' '/^ *"signature":/ { name = $2; gsub(/^"|",?$/, "", name) }
  /"max_dynamic_shared_bytes":/ { match($0, /"max_dynamic_shared_bytes": [0-9]+/); print substr($0, RSTART + 28, RLENGTH - 28) "\t" name }' \
  "$work/counters.json" >"$work/now"
touch build/dynamic_shared_bytes
awk -F '\t' '{ bytes[$2] = $1 } END { for (name in bytes) print bytes[name] "\t" name }' build/dynamic_shared_bytes "$work/now" >"$work/all"
mv "$work/all" build/dynamic_shared_bytes
"$bench" --bars "$work/calls.json" "$work/counters.json" "$@"
