# compute-sanitizer on the cases of every op, those first that took the tests part least time.
find_sanitizer() {
  local path
  for path in "$(command -v compute-sanitizer)" "${CUDA_HOME:-/usr/local/cuda}/bin/compute-sanitizer" /usr/local/cuda*/bin/compute-sanitizer \
    /usr/local/cuda*/compute-sanitizer/compute-sanitizer; do
    [ ! -x "$path" ] || { echo "$path" && return; }
  done
}
cases_by_time() {
  {
    [ ! -e "$work/tests.rows" ] || sed -nE 's|.*"tests": "cases/([a-z0-9_]+)".*"seconds": ([0-9]+).*|\2 \1|p' "$work/tests.rows"
    sed -nE 's|^tests/cases/([a-z0-9_]+).cpp$|9999 \1|p' <<<"$test_files"
  } | sort -sn | awk '!seen[$2]++ { print $2 }' | { [ -z "$OP" ] && cat || grep -x "$OP"; }
}

run_sanitizer() {
  sanitizer=$(find_sanitizer)
  [ -n "$sanitizer" ] || { lack "There is no compute-sanitizer (a package of the CUDA toolkit): its checks were left out."; return; }
  say "$("$sanitizer" --version 2>&1 | grep -oE 'Version [0-9.]+' | head -1) of compute-sanitizer on the cases; $JOBS at a time."
  say ""
  say "| op | tool | result | s |"
  say "|---|---|---|---|"
  local op tool items=()
  for op in $(cases_by_time); do
    for tool in memcheck racecheck initcheck synccheck; do items+=("$op:$tool"); done
  done
  each one_check "${items[@]}"
  [ ! -s "$work/outputs.sanitizer" ] || say "$(cat "$work/outputs.sanitizer")"
  local wrong
  wrong=$(grep -c '"clean": false' "$work/sanitizer.rows")
  [ "$wrong" -eq 0 ] || fail "$wrong checks found something"
}

one_check() { # op:tool
  local op=${1%:*} tool=${1#*:} start=$SECONDS output status result clean
  output=$(DEVICE=cuda OMP_NUM_THREADS=$threads limited 120 "${under[@]}" "$sanitizer" --tool "$tool" --error-exitcode 99 \
    "$tests" --no-intro --source-file="*cases/$op.cpp" 2>&1)
  status=$?
  case $status in
    0) result=clean clean=true ;;
    124 | 137) result="ended: out of time" clean=null ;;
    *) result="**exit status $status**" clean=false ;;
  esac
  say "| $op | $tool | $result | $((SECONDS - start)) |"
  row "{\"op\": \"$op\", \"tool\": \"$tool\", \"clean\": $clean, \"seconds\": $((SECONDS - start))}"
  [ "$clean" != false ] || printf '\n%s, %s:\n\n%s\n' "$op" "$tool" "$(head -c 6000 <<<"$output" | sed 's/^/    /')" >>"$work/outputs.sanitizer"
}
