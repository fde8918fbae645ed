#!/usr/bin/env bash
# Runs tests on interpreted CUDA (scripts/run_tests.sh) under several schedules. Ends with the line "N passed, N failed".
# SCHEDULES: which (SCHEDULE of scripts/run). LIST=1: prints only the names of cases, which are the same under all of them.
set -u
cd "$(dirname "$0")/.." || exit 1
[ -z "${LIST:-}" ] || exec scripts/run_tests.sh "${@/#cuda:/cpu:}"
all=({forward,reversed,random-{1..5}}/{late,early})
passed=0 failed=0
for schedule in ${SCHEDULES:-${all[*]}}; do
  start=$SECONDS
  SCHEDULE=$schedule scripts/run true || exit
  output=$(RUNNER=scripts/run SCHEDULE=$schedule scripts/run_tests.sh "$@" 2>&1)
  read -r p _ f _ <<<"${output##*$'\n'}"
  printf '%-16s %3d passed %3d failed %4d s\n' "$schedule" "$p" "$f" $((SECONDS - start))
  [ "$f" -eq 0 ] || printf '%s\n' "$output"
  passed=$((passed + p)) failed=$((failed + f))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
