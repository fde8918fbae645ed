#!/usr/bin/env bash
# make gpu-report: the tests, compute-sanitizer, the benchmarks and PyTorch on the GPU of this machine. Writes
# RESULTS/<chip>-<date>.md and .json, row by row; a part that runs again on the same day replaces what it had written.
# Needs the programs below BUILD, bash and coreutils; what else is missing is named and left out.
# Environment: PART, some of "tests sanitizer bench torch" (default: all); OP, one op; BUILD, the folder with bin/fer;
# RESULTS; PYTHON, one with torch; PTXI, the folder with an interpreter's libcudart.so.13, to run without a GPU;
# PART_SECONDS, after which a part starts nothing more, 420; JOBS, tests that run at once.
set -u
cd "$(dirname "$0")/.." || exit 1
BUILD=${BUILD:-.} RESULTS=${RESULTS:-benchmarks/results} PART_SECONDS=${PART_SECONDS:-420} OP=${OP:-} PTXI=${PTXI:-}
cores=$(nproc)
JOBS=${JOBS:-$((cores < 8 ? cores : 8))}
# So many threads as the cores bear, of the CPU with which results are compared.
threads=$((cores > JOBS ? cores / JOBS : 1))
fer=$BUILD/bin/fer bench=$BUILD/benchmarks/bench tests=$BUILD/tests/bin/tests
all_parts="tests sanitizer bench torch"
PART=${PART:-$all_parts}
stop() {
  echo "gpu-report: $*" >&2
  exit 1
}
for part in $PART; do
  [[ " $all_parts " = *" $part "* ]] || stop "there is no part '$part'; PART is some of: $all_parts"
done
for program in "$fer" "$bench" "$tests"; do
  [ -x "$program" ] || stop "$program is not there; \`make gpu-report\` builds it"
done
# In a bundle on a system without the C++ compiler's libraries.
"$fer" --help >/dev/null 2>&1 || [ ! -d lib/if-missing ] || export LD_LIBRARY_PATH=lib/if-missing${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
# Our programs run under this; Python does not: it brings a CUDA runtime of its own.
under=()
if [ -n "$PTXI" ]; then
  [ -e "$PTXI/libcudart.so.13" ] || stop "PTXI is $PTXI, where there is no libcudart.so.13"
  under=(env "LD_LIBRARY_PATH=$PTXI${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}")
  export PTXI_EXITCODE=${PTXI_EXITCODE:-99} PTXI_CC=${PTXI_CC:-90} PTXI_SHARED=${PTXI_SHARED:-2} PTXI_INIT=${PTXI_INIT:-1} PTXI_RACE=${PTXI_RACE:-1}
fi
test_files=$("${under[@]}" "$tests" -ltc -r=xml 2>/dev/null | sed -nE 's/.*filename="([^"]+)".*/\1/p' | sort -u)
[ -n "$test_files" ] || stop "$tests does not start: $("$tests" -ltc 2>&1 | head -1)"
if [ -n "$OP" ]; then
  grep -qx "tests/cases/$OP.cpp" <<<"$test_files" || stop "there is no op '$OP'"
  test_files=tests/cases/$OP.cpp
fi

. scripts/gpu_report/results.bash
. scripts/gpu_report/machine.bash
for part in $PART; do
  . "scripts/gpu_report/$part.bash"
  begin_part "$part"
  "run_$part"
  end_part
done
printf '%s.md\n%s.json\n' "$result" "$result"
exit "$failed"
