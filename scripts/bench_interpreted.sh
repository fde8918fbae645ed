#!/usr/bin/env bash
# make bench GPU=interpreted: what tests/ptxi counts of every op at the shapes of lnl-base, beside what it is to reach.
#   scripts/bench_interpreted.sh BENCH [its options: --op, --case, --precision, --json]
set -eu
bench=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Counters do not need the checks.
PTXI_COUNTERS=$work/counters.json PTXI_COUNTERS_RANGE=1 PTXI_COUNTERS_LAUNCHES=1000000 PTXI_SHARED=0 PTXI_INIT=0 PTXI_RACE=0 \
  "$(dirname "$0")/run" "$bench" --device cuda --count "$work/calls.json" "$@"
"$bench" --bars "$work/calls.json" "$work/counters.json" "$@"
