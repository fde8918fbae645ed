# The same ops and the training step in PyTorch, by scripts/time_torch.py, beside what the bench part measured.
find_torch() {
  local python
  for python in ${PYTHON:+"$PYTHON"} python3 python; do
    ! "$python" -c 'import torch' 2>/dev/null || { echo "$python" && return; }
  done
}

run_torch() {
  local python json=$work/torch.json status
  python=$(find_torch)
  [ -n "$python" ] || { lack "No Python with PyTorch (PYTHON names one): its figures were left out."; return; }
  "$bench" --list ${OP:+--op "$OP"} >"$work/cases.json" || { fail "bench --list failed"; return; }
  touch "$work/bench.rows"
  { echo '[' && paste -sd , "$work/bench.rows" && echo ']'; } >"$work/ours.json"
  limited "$PART_SECONDS" "$python" scripts/time_torch.py --cases "$work/cases.json" --ours "$work/ours.json" --out "$json" ${OP:+--ops-only} \
    --seconds $((PART_SECONDS > 60 ? PART_SECONDS - 40 : PART_SECONDS / 2)) 2>"$work/torch.log" | while IFS= read -r line; do
    say "$line"
    save
  done
  status=${PIPESTATUS[0]}
  [ ! -s "$json" ] || row "$(tr -d '\n' <"$json")"
  case $status in
    0) ;;
    124 | 137) lack "Ended: out of time." ;;
    *) fail "time_torch.py exited with status $status: $(tail -n 3 "$work/torch.log")" ;;
  esac
}
