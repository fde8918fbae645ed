#!/usr/bin/env bash
# The tables that bench makes of counts (--bars) and of earlier results (--compare), from files whose sums are known. Ends
# with the line "N passed, N failed". BENCH: the program.
set -u
cd "$(dirname "$0")/.." || exit 1
bench=$PWD/${BENCH:-build/release/benchmarks/bench}
source tests/expect.bash
cd "$root" || exit 1

run() { # options of bench
  "$bench" "$@" >output 2>&1
  status=$?
}
says() { [ "$status" -eq 0 ] && grep -qF -- "$1" output; }
refuses() { [ "$status" -eq 2 ] && grep -qF -- "$1" output; }
fails() { [ "$status" -eq 1 ] && grep -qxF -- "bench: $1" output; }
launch() { # range kernel read written requested waves excess mma flops
  printf '{"range": %d, "kernel": "%s", "unique_sectors_read": %d, "unique_sectors_written": %d, "global_ld_sectors": %d, "global_st_sectors": 0,
    "shared_wavefronts": %d, "shared_wavefronts_excess": %d, "mma_instructions": %d, "mma_flops": %d, "warp_instructions": {"total": 0, "mov": 0}' "$@"
  printf ', "allocations": [{"bytes": 640, "ld_sectors": %d, "st_sectors": 2}, {"bytes": 700, "ld_sectors": 9, "st_sectors": 9}]}' "$5"
}
counters() { # launches
  local IFS=,
  printf '{"launches_not_listed": 0, "launches": [%s]}' "$*" >counters.json
}
call() { # op case count parts
  printf '{"op": "%s", "case": "%s", "count": %d, "parts": [%s]}' "$@"
}
calls() {
  local IFS=,
  printf '{"images": 64, "fills": [{"multiprocessors": 108, "fill": %s}], "calls": [%s]}' "${fill-0.9}" "$*" >calls.json
}

add=$(call residual_add small 1 '{"part": "forward", "flops": 10, "bytes": 3200}')
forward=$(call conv2d layer 2 '{"part": "forward", "flops": 64000, "bytes": 6400, "activations": 500, "tensors": [640, 0, 320]}')
backward=$(call conv2d layer 2 '{"part": "dy", "flops": 0, "bytes": 3200}, {"part": "wgrad", "flops": 64000, "bytes": 6400}, {"part": "dgrad", "flops": 64000, "bytes": 6400}')

# Everything at its bar, or below.
calls "$add" "$forward" "$backward"
good=("$(launch 1 add 60 45 100 0 0 0 0)" "$(launch 2 gemm 200 60 20 17 0 10 64000)" "$(launch 3 turn_into_dy 60 40 100 0 0 0 0)"
  "$(launch 3 gemm_PatchColumns 200 100 20 17 0 10 64000)" "$(launch 3 gemm_splits_add 10 10 0 0 0 0 0)" "$(launch 3 gemm_TapColumns 200 60 20 18 0 10 64000)")
counters "${good[@]}"
run --bars calls.json counters.json --json good.json
expect 'row of a pass' says '| residual_add | small | forward | 1 | 1.05 | 1.00 |  | 0 | 0 |  |  |  |'
expect 'row of a product' says '| conv2d | layer | forward | 1 | 1.30 | 0.10 | 0.0100 | 17 | 0 | 1.70 | 1.00 | 1.00 |'
expect 'parts of the backward' says '| conv2d | layer | wgrad | 2 | 1.60 | 0.10 | 0.0100 | 17 | 0 | 1.70 | 1.00 | 1.00 |'
expect 'a sum by how often' says '| DRAM, passes and optimisers | 1.017 | <= 1.05 | met |'
expect 'launches of the backward' says '| launches, conv2d backward | 4 | <= 4 | met |'
expect 'activations, by the sizes of their tensors' says '| L2, activations of conv2d | 1.408 | <= 1.5 | met |'
expect 'how full rounds are' says '| tiles / (rounds x places), 108 multiprocessors | 0.9 | >= 0.85 | met |'
expect 'all met' says '14 of 14 bars are met.'
expect 'at which batch' says 'Batch of 64 images.'

# Everything above it.
fill=0.5 calls "$add" "$forward" "$backward"
counters "$(launch 1 add 60 55 130 0 0 0 0)" "$(launch 2 gemm 200 70 40 180 1 100 120000)" "$(launch 2 merge 0 1 0 0 0 0 0)" \
  "$(launch 3 turn_into_dy 60 60 120 0 0 0 0)" "$(launch 3 put_gain_and_shift 1 1 1 0 0 0 0)" \
  "$(launch 3 gemm_PatchColumns 300 100 40 180 0 100 60000)" "$(launch 3 gemm_splits_add 10 10 0 0 0 0 0)" "$(launch 3 gemm_TapColumns 300 60 40 180 0 100 60000)"
run --bars calls.json counters.json --compare good.json
expect 'none met' says '0 of 14 bars are met.'
expect 'mean' says '| flops in mma, products and attention | 0.9583 | >= 0.99 | missed |'
expect 'zeros are not useful' says '| useful of issued mma flops | 0.7667 | >= 0.85 | missed |'
expect 'comparison' says '| conv2d, layer, forward, launches | 1 | 2 | 0.50 |'
expect 'comparison, sizes' says '| residual_add, small, forward, requested_bytes | 3200 | 4160 | 0.77 |'
expect 'how much was compared' says '20 figures; 0 are new, 0 were not measured now.'

# Files that do not belong together.
calls "$add" "$forward"
run --bars calls.json counters.json
expect 'more ranges' fails 'the counters are of another run: there are more ranges'
calls "$add" "$forward" "$backward" "$add"
run --bars calls.json counters.json
expect 'fewer ranges' fails 'residual_add, small: no launch of its forward was counted'
echo '{' >broken.json
run --bars calls.json broken.json
expect 'no JSON' fails "'broken.json' is no file of results: it is not JSON"
echo '{}' >other.json
run --bars calls.json other.json
expect 'no counters' fails "'other.json' holds no counters of the interpreter"
echo 3 >number.json
run --bars calls.json number.json
expect 'a number for counters' fails "'number.json' holds no counters of the interpreter"
run --bars counters.json calls.json
expect 'one for the other' fails "'counters.json' is not what bench --count writes"
echo '{"images": 4, "calls": [{"op": "conv2d"}]}' >half.json
run --bars half.json counters.json
expect 'calls without parts' fails "'half.json' is not what bench --count writes, or 'counters.json' holds other counters"
calls "$add"
counters "${good[0]}"
run --bars calls.json counters.json --compare other.json
expect 'nothing in common' fails 'the earlier results have nothing that was measured now'

# What is typed wrong.
run --images 0
expect 'a number out of range' refuses '--images: '
run --imagse 4
expect 'no option' refuses '--imagse'
run --bars calls.json
expect 'a file too few' refuses '--bars: '
# Before anything is measured: one line.
printf '#!/bin/sh\necho no module named torch >&2\nexit 1\n' >python && chmod +x python
for python in /nope ./python; do
  run --step --torch $python
  expect "$python for PyTorch" [ "$(wc -l <output)" -eq 1 ]
  expect "$python is refused" refuses "bench: --torch needs a Python with torch, which '$python' is not"
done
run --help
expect 'help' says '--images'

run --list --op adamw
expect 'the list of cases' says '"case":"lnl-base, all parameters"'

conclude
