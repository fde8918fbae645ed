#!/usr/bin/env bash
# scripts/profile.sh with programs that only say how they were called in place of fer, bench and the profilers. Ends with
# the line "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 1
source tests/expect.bash
mkdir -p "$root"/{scripts,tools,system,build/bin,build/benchmarks,tests/ptxi/build}
cp scripts/profile.sh scripts/run "$root/scripts"
for tool in bash cat date dirname env grep mkdir mktemp rm tee; do ln -s "$(command -v $tool)" "$root/system/$tool"; done

program() { # path below the root; its body comes after the line that says how it was called
  { echo '#!/bin/bash' && echo 'echo "${0##*/} $*" >>"$CALLS"' && cat; } >"$root/$1"
  chmod +x "$root/$1"
}
run() { # settings and arguments of scripts/profile.sh
  : >"$root/calls"
  (cd "$root" && rm -rf profiles && env -i PATH="$root/tools:$root/system" CALLS="$root/calls" BUILD=build "${@:2}" \
    bash scripts/profile.sh $1) >"$root/output" 2>&1
  status=$?
}
called() { grep -qE -- "$1" "$root/calls"; }
says() { grep -qE -- "^$1\$" "$root/output"; }
silent() { ! says "$1"; }
ends_with() { [ "$status" -eq "$1" ] && [ "$(tail -1 "$root/output" | grep -cE -- "$2")" -eq 1 ]; }

program build/bin/fer <<'E2'
exit ${FER_STATUS:-0}
E2
program build/benchmarks/bench <<'E2'
echo "counters ${PTXI_COUNTERS:-} ${PTXI_COUNTERS_RANGE:-} ${PTXI_SHARED:-}" >>"$CALLS"
exit ${BENCH_STATUS:-0}
E2
program tests/ptxi/build/counters_table </dev/null

# A GPU whose machine has no profilers.
run gpu
expect 'no nsys' ends_with 1 '^make profile: there is no nsys on PATH; install Nsight Systems'
run gpu OP=conv2d
expect 'no ncu' ends_with 1 '^make profile: there is no ncu on PATH; install Nsight Compute'

# They run the program that is their last arguments, and write the report they are told to.
program tools/nsys <<'E2'
until [[ $1 = */fer ]]; do [[ $1 = --output=* ]] && out=${1#*=}; shift; done
"$@" || exit
[ -n "${NO_REPORT:-}" ] || echo >"$out.nsys-rep"
E2
program tools/ncu <<'E2'
[ -z "${NO_COUNTERS:-}" ] || { echo "==ERROR== ERR_NVGPUCTRPERM - The user does not have permission" && exit 1; }
until [[ $1 = */bench ]]; do [ "$1" = --export ] && out=$2; shift; done
"$@" || exit
[ -n "${NO_REPORT:-}" ] || echo >"$out.ncu-rep"
E2
stamp='[0-9]{8}-[0-9]{6}'
run 'gpu --seed 7' PRECISION=fp32
expect 'nsys: part' called 'nsys profile .*--trace=cuda,nvtx .*--capture-range=cudaProfilerApi --capture-range-end=stop '
expect 'nsys: step' called '^fer train --device cuda --profile-steps 3 --precision fp32 --seed 7$'
expect 'nsys: how to open it' says "open it: +nsys-ui profiles/step-$stamp.nsys-rep"
run gpu FER_STATUS=3
expect 'nsys: failed' ends_with 1 '^make profile: nsys, or what it ran, failed with status 3$'
run gpu NO_REPORT=1
expect 'nsys: no report' ends_with 1 '^make profile: nsys wrote no report$'

run gpu OP=conv2d 'SHAPE=enc.0, batch'
expect 'ncu: part' called '^ncu --set full --import-source yes --profile-from-start off '
expect 'ncu: op' called '^bench --device cuda --once --op conv2d --case enc.0, batch$'
expect 'ncu: how to open it' says "open it: +ncu-ui profiles/conv2d-$stamp.ncu-rep"
run gpu OP=conv2d NO_COUNTERS=1
expect 'ncu: no permission' ends_with 1 '^make profile: the driver lets only root .*ERR_NVGPUCTRPERM.*NVreg_RestrictProfilingToAdminUsers=0'
run gpu OP=conv2d BENCH_STATUS=2
expect 'ncu: failed' ends_with 1 '^make profile: ncu, or what it ran, failed with status 2$'
run gpu OP=conv2d NO_REPORT=1
expect 'ncu: no report' ends_with 1 '^make profile: ncu wrote no report'

run 'cpu --seed 7'
expect 'cpu: step' called "^fer train --device cpu --profile-steps 3 --trace profiles/step-$stamp.json --seed 7\$"
expect 'cpu: how to open it' says "open it: profiles/step-$stamp.json at https://ui.perfetto.dev"
run cpu FER_STATUS=2
expect 'cpu: failed' silent 'open it: .*'
expect 'cpu: status' [ "$status" -eq 2 ]
run 'cpu --threads 1' OP=conv2d
expect 'cpu: row' called '^bench --device cpu --op conv2d --case  --threads 1$'
expect 'cpu: trace' called "^bench --device cpu --once --trace profiles/conv2d-$stamp.json --op conv2d --case  --threads 1\$"

run 'interpreted --seed 7'
expect 'interpreted: step' called '^fer train --device cuda .*--profile-steps 1 --seed 7$'
expect 'interpreted: table' called "^counters_table profiles/step-$stamp.json\$"
run interpreted OP=conv2d
expect 'interpreted: op' called '^bench --device cuda --once --op conv2d --case $'
expect 'interpreted: counters' called "^counters profiles/conv2d-$stamp.json 1 0\$"
run interpreted OP=conv2d BENCH_STATUS=2
expect 'interpreted: failed' silent 'more of it: .*'
expect 'interpreted: status' [ "$status" -eq 2 ]

run cpu SHAPE=enc.0
expect 'a shape of no op' ends_with 1 '^make profile: SHAPE names a case of an op; say which with OP$'

# Which device the Makefile takes, on a machine with a GPU and on one without.
takes() { # device, variables of make
  [ "$(env -u MAKEFLAGS -u MAKELEVEL -u GPU -u DEVICE -u SAN make -n run-profile "${@:2}" 2>&1 | grep -oE 'profile.sh [a-z]+')" = "profile.sh $1" ]
}
here=(gpu=/dev/nvidiactl cuda=cuda) none=(gpu= cuda=ptx)
expect 'make: a GPU' takes gpu "${here[@]}"
expect 'make: the CPU of a machine with a GPU' takes cpu "${here[@]}" DEVICE=cpu
expect 'make: no GPU' takes cpu "${none[@]}"
expect 'make: no GPU, but asked for' takes gpu "${none[@]}" DEVICE=cuda
expect 'make: a GPU without a compiler' takes cpu gpu=/dev/nvidiactl cuda=
expect 'make: interpreted' takes interpreted "${here[@]}" GPU=interpreted

conclude
