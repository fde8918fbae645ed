# The same ops and the training step in PyTorch, by scripts/time_torch.py, which is told what the bench part measured.
find_torch() {
  local python
  for python in ${PYTHON:+"$PYTHON"} python3 python; do
    ! "$python" -c 'import torch' 2>/dev/null || { echo "$python" && return; }
  done
}

run_torch() {
  local python json=$work/torch.json start=$SECONDS status
  python=$(find_torch)
  [ -n "$python" ] || { lack "No Python with PyTorch (PYTHON names one): its figures were left out."; return; }
  [ -s "$work/bench.rows" ] || { lack "The bench part has not run: there are no shapes to time PyTorch at."; return; }
  limited "$PART_SECONDS" "$python" scripts/time_torch.py --report "$result.json" --out "$json" --seconds $((PART_SECONDS - 20)) \
    2>"$work/torch.log" | while IFS= read -r line; do
    say "$line"
    save
  done
  status=${PIPESTATUS[0]}
  [ ! -s "$json" ] || row "$(tr -d '\n' <"$json")"
  [ "$status" -eq 0 ] || fail "time_torch.py exited with status $status: $(tail -n 3 "$work/torch.log")"
}
