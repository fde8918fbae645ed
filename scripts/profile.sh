#!/usr/bin/env bash
# make profile: what a training step, or OP, does on the device: a report in profiles/, and the commands that open it.
# docs/profiling.md says how to read each.
#   scripts/profile.sh gpu|cpu|interpreted [options for fer train, or with OP for bench]
# Environment: BUILD, the folder with bin/fer and benchmarks/bench; OP; SHAPE, part of the name of one of its benchmark's
# cases; PRECISION.
set -u
cd "$(dirname "$0")/.." || exit 1
device=$1
shift
stop() {
  echo "make profile: $*" >&2
  exit 1
}
[ -z "${SHAPE:-}" ] || [ -n "${OP:-}" ] || stop "SHAPE names a case of an op; say which with OP"
mkdir -p profiles || exit 1
report=profiles/${OP:-step}-$(date +%Y%m%d-%H%M%S)

step() { # options, of which those that were typed win
  "${under[@]}" "$BUILD/bin/fer" train "$@" ${PRECISION:+--precision "$PRECISION"} "${typed[@]}"
}
one_op() {
  "${under[@]}" "$BUILD/benchmarks/bench" "$@" --op "$OP" --case "${SHAPE:-}" ${PRECISION:+--precision "$PRECISION"} "${typed[@]}"
}
typed=("$@") under=()

nsight_systems() {
  command -v nsys >/dev/null ||
    stop "there is no nsys on PATH; install Nsight Systems (package nsight-systems-cli of NVIDIA's repository, or the CUDA toolkit)"
  under=(nsys profile --trace=cuda,nvtx --sample=none --cpuctxsw=none --capture-range=cudaProfilerApi
    --capture-range-end=stop --output="$report")
  step --device cuda --profile-steps 3 || stop "nsys, or what it ran, failed with status $?"
  [ -e "$report.nsys-rep" ] || stop "nsys wrote no report"
  echo "open it:          nsys-ui $report.nsys-rep"
  echo "in the terminal:  nsys stats --report nvtx_gpu_proj_sum,cuda_gpu_kern_sum $report.nsys-rep"
}

nsight_compute() {
  command -v ncu >/dev/null ||
    stop "there is no ncu on PATH; install Nsight Compute (package nsight-compute of NVIDIA's repository, or the CUDA toolkit)"
  local log
  log=$(mktemp) && trap 'rm -f "$log"' EXIT
  under=(ncu --set full --import-source yes --profile-from-start off --nvtx --export "$report")
  one_op --device cuda --once 2>&1 | tee "$log"
  local status=${PIPESTATUS[0]}
  if grep -q ERR_NVGPUCTRPERM "$log"; then
    stop "the driver lets only root read the GPU's counters (ERR_NVGPUCTRPERM): run this as root, or put 'options nvidia" \
      "NVreg_RestrictProfilingToAdminUsers=0' into a file of /etc/modprobe.d and restart; in a container, add --cap-add=SYS_ADMIN"
  fi
  [ "$status" -eq 0 ] || stop "ncu, or what it ran, failed with status $status"
  [ -e "$report.ncu-rep" ] || stop "ncu wrote no report: no kernel ran in the part that it records"
  echo "open it:          ncu-ui $report.ncu-rep"
  echo "in the terminal:  ncu --import $report.ncu-rep --page details"
}

cpu() {
  if [ -n "${OP:-}" ]; then
    one_op --device cpu && one_op --device cpu --once --trace "$report.json" >/dev/null
  else
    step --device cpu --profile-steps 3 --trace "$report.json"
  fi || exit
  echo "open it: $report.json at https://ui.perfetto.dev"
}

interpreted() {
  export PTXI_COUNTERS=$report.json PTXI_COUNTERS_RANGE=1
  # Counters do not need the checks.
  export PTXI_SHARED=0 PTXI_INIT=0 PTXI_RACE=0
  under=(scripts/run)
  if [ -n "${OP:-}" ]; then
    one_op --device cuda --once
  else
    step --device cuda --preset lnl-tiny --set size=16 --set batch=8 --set faces=64 --profile-steps 1
  fi || exit
  tests/ptxi/build/counters_table "$report.json" || exit
  printf '\nmore of it: tests/ptxi/build/counters_table %s --kernels 100 --lines 20\n' "$report.json"
}

case $device in
  gpu) if [ -n "${OP:-}" ]; then nsight_compute; else nsight_systems; fi ;;
  cpu) cpu ;;
  interpreted) interpreted ;;
  *) stop "'$device' is no device" ;;
esac
