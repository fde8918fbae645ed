# The training step, convolutions and products beside cuDNN and cuBLAS, every op at model shapes; each run is a
# process of its own, so that one that fails or takes too long costs only itself.
ops() { sed -nE 's|^tests/cases/([a-z0-9_]+).cpp$|\1|p' <<<"$test_files"; }

# Folders of cuDNN and cuBLAS as PyTorch brings them.
peer_folders() {
  local python=${PYTHON:-$(command -v python3 || command -v python)}
  [ -z "$python" ] || "$python" -c 'import glob, sys
print(":".join(f for p in sys.path if p for f in glob.glob(p + "/nvidia/*/lib")))' 2>/dev/null
}

run_bench() {
  local op precision
  # Checks of the interpreter are for the tests.
  local -x PTXI_SHARED=0 PTXI_INIT=0 PTXI_RACE=0
  local -x FERMION_PEERS=${FERMION_PEERS:-$(peer_folders)}
  [ -z "$PTXI" ] || { say "Interpreted: these times say nothing of a GPU." && say ""; }
  # What matters most first: time can run out.
  [ -n "$OP" ] || for precision in bf16 fp32; do one_bench 60 --step --device cuda --precision "$precision"; done
  for op in conv2d linear; do
    [ -z "$OP" ] || [ "$OP" = "$op" ] || continue
    one_bench 150 --peers --op "$op" --device cuda
  done
  for precision in bf16 fp32; do
    for op in $(ops); do one_bench 120 --op "$op" --device cuda --precision "$precision"; done
  done
}

one_bench() { # seconds, options of bench
  local seconds=$1 json=$work/bench.json start=$SECONDS status
  shift
  [ "$(remaining)" -ge 5 ] || { lack "No time was left for: bench $*"; return; }
  rm -f "$json"
  say "\`bench $*\`"
  say ""
  # What it prints is in the result while it runs.
  limited "$seconds" "${under[@]}" "$bench" "$@" --json "$json" 2>&1 | sed -u 's/^## /### /' | while IFS= read -r line; do
    say "$line"
    save
  done
  status=${PIPESTATUS[0]}
  [ ! -s "$json" ] || row "$(tr -d '\n' <"$json" | sed -E 's/  +/ /g')"
  case $status in
    0) ;;
    124 | 137) lack "Ended after $((SECONDS - start)) s: out of time." ;;
    *) fail "bench $* exited with status $status" ;;
  esac
  say ""
  save
}
