#!/usr/bin/env bash
# scripts/gpu_report.sh with programs that only pretend in place of fer, bench, the tests and compute-sanitizer. Ends with
# the line "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 1
source tests/expect.bash
mkdir -p "$root"/{scripts,system,tools,bin,benchmarks,tests/bin}
cp -r scripts/gpu_report.sh scripts/gpu_report "$root/scripts"
for tool in awk bash cat date dirname env flock grep head mkdir mktemp mv nproc paste rm sed sh sleep sort tail tee timeout touch tr uname wc; do
  ln -s "$(command -v $tool)" "$root/system/$tool"
done

program() { # path below the root; its body is read
  { echo '#!/bin/bash' && cat; } >"$root/$1"
  chmod +x "$root/$1"
}
run() { # settings
  (cd "$root" && env -i PATH="$root/tools:$root/system" "$@" bash scripts/gpu_report.sh) >"$root/output" 2>&1
  status=$?
  md=$(cat "$root"/benchmarks/results/*.md 2>/dev/null) json=$(cat "$root"/benchmarks/results/*.json 2>/dev/null)
}
exits() { [ "$status" -eq "$1" ]; }
shows() { grep -qE -- "$1" <<<"$md"; }
hides() { ! shows "$1"; }
holds() { grep -qE -- "$1" <<<"$json"; }
ends_with() { exits "$1" && [ "$(tail -1 "$root/output" | grep -cE -- "$2")" -eq 1 ]; }

program bin/fer <<'E2'
[ "${2:-}" = --json ] || exit 0
[ -n "${NO_GPU:-}" ] || printf '{"cuda": {"devices": [{"ordinal": 0, "name": "NVIDIA H100 80GB HBM3"}]}}\n'
E2
program tests/bin/tests <<'E2'
case "$*" in
  -ltc*) printf '<TestCase filename="%s"/>\n' tests/cases/sgd.cpp tests/cases/adamw.cpp tests/engine/replay_test.cpp ;;
  *adamw*) [ -z "${BAD:-}" ] || { echo "tests/cases/adamw.cpp: wrong"; echo "[doctest] test cases: 2 | 1 passed | 1 failed | 0 skipped"; exit 1; } ;;
  *sgd*) [ -z "${CRASH:-}" ] || kill -SEGV $$ ;;
  *replay*) [ -z "${SLOW:-}" ] || exec sleep 60 ;;
esac
echo "[doctest] test cases: 2 | 2 passed | 0 failed | 0 skipped FULL=${FULL:-}"
E2
program benchmarks/bench <<'E2'
while [ "$#" -gt 0 ]; do [ "$1" = --json ] && json=$2; [ "$1" = --op ] && op=$2; shift; done
[ "${BAD:-}" = bench ] && { echo "bench: no"; exit 1; }
echo "## Ops" && printf '{\n  "ops": [{"op": "%s"}, {"op": "b"}]\n}\n' "${op:-step}" >"$json"
E2

run NO_GPU=1
expect 'no device' ends_with 1 '^gpu-report: no CUDA device'
run PART=speed
expect 'an unknown part' ends_with 1 "^gpu-report: there is no part 'speed'; PART is some of: tests sanitizer bench torch$"
run OP=conv3d
expect 'an unknown op' ends_with 1 "^gpu-report: there is no op 'conv3d'$"

run
expect 'all is well' exits 0
expect 'the name of the result' test -e "$(echo "$root"/benchmarks/results/h100-80gb-hbm3-2???-??-??.md)"
expect 'tests are counted' shows '^\| all \| 6 \| 0 \|'
expect 'on a GPU in full' shows 'with FULL=1'
expect 'no compute-sanitizer is one line' shows '^There is no compute-sanitizer'
expect 'no nvidia-smi is one line' shows '^There is no nvidia-smi'
expect 'no PyTorch is one line' shows '^No Python with PyTorch'
expect 'bench in JSON' holds '^"bench": \[\{ "ops": \[\{"op": "step"\}, \{"op": "b"\}\]\}'
if command -v python3 >/dev/null; then
  expect 'the JSON is JSON' python3 -c 'import json, sys; assert list(json.load(open(sys.argv[1]))) == ["machine", "tests", "sanitizer", "bench", "torch"]' \
    "$(echo "$root"/benchmarks/results/*.json)"
fi

# A part that runs again takes the place of what it wrote; the others' stay.
program tools/compute-sanitizer <<'E2'
[ "$1" = --version ] && echo "Version 2025.3.0.0" && exit
[ -n "${BAD:-}" ] && [ "$2" = racecheck ] && echo "========= Race reported" && exit 99
exit 0
E2
run PART=sanitizer BAD=1
expect 'a race is a failure' exits 1
expect 'what it said' shows '^    ========= Race reported$'
expect 'a clean tool' shows '^\| sgd \| memcheck \| clean \|'
expect 'the row that it replaces' hides '^There is no compute-sanitizer'
expect 'the tests of before' shows '^\| all \| 6 \| 0 \|'
expect 'their JSON of before' holds '^"tests": \[\{"tests": '
expect 'the bench of before' holds '^"bench": \[\{ "ops": \[\{"op": "step"\}, \{"op": "b"\}\]\}, \{'

run PART=tests BAD=1 CRASH=1
expect 'failed tests' exits 1
expect 'a failed test' shows '^\| cases/adamw \| 1 \| 1 \|'
expect 'what it said' shows '^    tests/cases/adamw.cpp: wrong$'
expect 'a crash' shows '^\| cases/sgd \| 0 \| 1 \|'
run PART=tests SLOW=1 PART_SECONDS=6 JOBS=1
expect 'a test that does not end' shows '^    ended after [0-9]+ s$'
run PART="bench tests" BAD=bench
expect 'a part that fails' exits 1
expect 'bench said why' shows '^\*\*FAILED\*\*: bench --op adamw --device cuda --precision bf16 exited with status 1$'
expect 'the part behind it' shows '^\| all \| 5 \| 1 \|'

conclude
