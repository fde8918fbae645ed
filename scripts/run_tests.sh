#!/usr/bin/env bash
# Runs the given tests (doctest binaries, or scripts whose last line is "N passed, N failed") one after the other, and
# ends with such a line itself.
passed=0 failed=0
# Threads that wait for each other sleep instead of spinning: tests share their cores with other programs.
export OMP_WAIT_POLICY=passive
for binary in "$@"; do
  name=${binary#*tests/}
  start=$SECONDS
  output=$($RUNNER "$binary" --no-intro 2>&1)
  status=$?
  counts=$(sed -nE 's/^\[doctest\] test cases: *[0-9]+ \| *([0-9]+) passed \| *([0-9]+) failed.*/\1 \2/p' <<<"$output")
  [ -n "$counts" ] || counts=$(sed -nE '$s/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' <<<"$output")
  read -r p f <<<"${counts:-0 1}"
  [ "$status" -ne 0 ] && [ "$f" -eq 0 ] && f=1
  passed=$((passed + p)) failed=$((failed + f))
  printf '%-36s %3d passed %3d failed %4d s\n' "$name" "$p" "$f" $((SECONDS - start))
  [ "$f" -eq 0 ] || printf '%s\n' "$output"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
