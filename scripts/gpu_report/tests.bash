# Every test of CUDA, a file of the sources at a time, first those that take longest; on a GPU with FULL=1, which
# takes all steps of the goldens.
run_tests() {
  [ -n "$PTXI" ] || export FULL=1
  say "Every test of CUDA$([ -z "${FULL:-}" ] || echo ', with FULL=1'); $JOBS at a time."
  say ""
  say "| tests | passed | failed | s |"
  say "|---|---|---|---|"
  each one_test $(grep conv <<<"$test_files") $(grep -v conv <<<"$test_files")
  local passed wrong
  read -r passed wrong < <(sed -nE 's/.*"passed": ([0-9]+), "failed": ([0-9]+).*/\1 \2/p' "$work/tests.rows" |
    awk '{ p += $1; f += $2 } END { print p + 0, f + 0 }')
  say "| all | $passed | $wrong | $((SECONDS - part_start)) |"
  [ ! -s "$work/outputs" ] || say "$(cat "$work/outputs")"
  [ "$wrong" -eq 0 ] && [ "$passed" -gt 0 ] || fail "$wrong tests failed, $passed passed"
}

one_test() { # file
  local file=${1#tests/} start=$SECONDS output status counts p f
  output=$(DEVICE=cuda OMP_NUM_THREADS=$threads limited "$PART_SECONDS" "${under[@]}" "$tests" --no-intro --source-file="*$1" 2>&1)
  status=$?
  counts=$(sed -nE 's/^\[doctest\] test cases: *[0-9]+ \| *([0-9]+) passed \| *([0-9]+) failed.*/\1 \2/p' <<<"$output")
  read -r p f <<<"${counts:-0 1}"
  [ "$status" -eq 0 ] || [ "$f" -gt 0 ] || f=1
  [ "$status" -ne 124 ] || output+=$'\n'"ended after $((SECONDS - start)) s"
  say "| ${file%.cpp} | $p | $f | $((SECONDS - start)) |"
  row "{\"tests\": $(quoted "${file%.cpp}"), \"passed\": $p, \"failed\": $f, \"seconds\": $((SECONDS - start))}"
  [ "$f" -eq 0 ] || printf '\n%s:\n\n%s\n' "$file" "$(tail -c 6000 <<<"$output" | sed 's/^/    /')" >>"$work/outputs"
}
