#!/usr/bin/env bash
# Runs tests on interpreted CUDA (scripts/run_tests.sh) under several schedules of blocks and warps, each with asynchronous
# copies that arrive late, at the wait, and early, at once. Ends with the line "N passed, N failed".
# SCHEDULES: which, as words such as forward/late reversed/early random-17/late, where 17 is a seed. LIST=1: prints only the
# names of cases, which are the same under all of them.
set -u
cd "$(dirname "$0")/.." || exit 1
[ -z "${LIST:-}" ] || exec scripts/run_tests.sh "${@/#cuda:/cpu:}"
all=({forward,reversed,random-{1..5}}/{late,early})
passed=0 failed=0
for schedule in ${SCHEDULES:-${all[*]}}; do
  start=$SECONDS
  unset PTXI_SEED
  case $schedule in
    forward/*) export PTXI_ORDER=0 ;;
    reversed/*) export PTXI_ORDER=1 ;;
    random-*/*) export PTXI_ORDER=2 PTXI_SEED=${schedule//[!0-9]/} ;;
    *) echo "SCHEDULES: '$schedule' is none; forward/late reversed/early random-17/late are" >&2 && exit 2 ;;
  esac
  output=$(PTXI_CPASYNC=${schedule#*/} scripts/run_tests.sh "$@" 2>&1)
  read -r p _ f _ <<<"${output##*$'\n'}"
  printf '%-16s %3d passed %3d failed %4d s\n' "$schedule" "$p" "$f" $((SECONDS - start))
  [ "$f" -eq 0 ] || printf '%s\n' "$output"
  passed=$((passed + p)) failed=$((failed + f))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
