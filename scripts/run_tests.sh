#!/usr/bin/env bash
# Runs tests, prints a line for each and what the failed ones said, and ends with the line "N passed, N failed".
#   scripts/run_tests.sh cpu:PROGRAM... cuda:PROGRAM... script:PROGRAM...
# Programs are doctest binaries, which find their device in DEVICE; the last line of a script is like that of this one.
# RUNNER: what programs on CUDA run under, the interpreter, which uses one thread; then as many run at once as there are
# cores, and with AT_ONCE=1 those on the CPU too. LIST=1: prints only the names of cases. NOTE: a sentence before the last line.
set -u

run() { # device:program
  local device=${1%%:*} program=${1#*:} start=$SECONDS output status counts p f
  local -a under=()
  [ "$device" = cuda ] && under=($RUNNER)
  output=$(DEVICE=$device "${under[@]}" "$program" --no-intro 2>&1)
  status=$?
  if [ -n "${LIST:-}" ]; then
    grep -E '^[a-z0-9_]+: ' <<<"$output"
    return
  fi
  counts=$(sed -nE 's/^\[doctest\] test cases: *[0-9]+ \| *([0-9]+) passed \| *([0-9]+) failed.*/\1 \2/p' <<<"$output")
  [ -n "$counts" ] || counts=$(sed -nE '$s/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' <<<"$output")
  read -r p f <<<"${counts:-0 1}"
  [ "$status" -ne 0 ] && [ "$f" -eq 0 ] && f=1
  echo "$p $f" >>"$COUNTS"
  exec 9>"$COUNTS.lock" && flock 9
  printf '%-6s %-36s %3d passed %3d failed %4d s\n' "${device/script/}" "${program#*tests/}" "$p" "$f" $((SECONDS - start))
  [ "$f" -eq 0 ] || printf '%s\n' "$output"
}
if [ "$1" = --one ]; then
  run "$2"
  exit 0
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export COUNTS=$folder/counts RUNNER=${RUNNER:-}
# Threads that wait for each other sleep instead of spinning: tests share their cores with other programs.
export OMP_WAIT_POLICY=passive
one_by_one=() at_once=()
for test in "$@"; do
  if [[ $test = cpu:* || -z $RUNNER ]] && [ -z "${AT_ONCE:-}" ]; then one_by_one+=("$test"); else at_once+=("$test"); fi
done
for test in "${one_by_one[@]}"; do "$0" --one "$test"; done
[ ${#at_once[@]} -eq 0 ] || printf '%s\0' "${at_once[@]}" | xargs -0 -n 1 -P "$(nproc)" "$0" --one
[ -z "${LIST:-}" ] || exit 0

[ -z "${NOTE:-}" ] || echo "$NOTE"
awk '{ passed += $1; failed += $2 } END { printf "%d passed, %d failed\n", passed, failed; exit failed > 0 || passed == 0 }' "$COUNTS"
