#!/usr/bin/env bash
# Which kernels make ptxas and make sass take of an op. Ends with the line "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 1
source tests/expect.bash
unset MAKEFLAGS MAKELEVEL GPU DEVICE SAN OP

run() { # targets and variables of make
  make -n "$@" >"$root/output" 2>&1
  status=$?
}
# In the table's command.
takes() { grep -E "_table\.(awk|py)" "$root/output" | grep -qF " build/ptxas/$1.sm_90$2"; }
leaves() { ! takes "$@"; }

for target in ptxas sass; do
  suffix=${target/ptxas/} suffix=${suffix:+.sass}
  for op in conv2d conv_transpose2d attention; do
    run run-$target OP=$op
    for file in $(cd kernels && ls -- *_mma.cu); do
      case $file in conv_transpose2d*) of=conv_transpose2d ;; conv_*) of=conv2d ;; *) of=attention ;; esac
      expect "$target, $op: $file" $([ $of = $op ] && echo takes || echo leaves) "${file%.cu}" "$suffix"
    done
  done
done
run run-ptxas OP=conv2d
expect 'both directions' takes conv2d_backward ''
expect 'statistics of a norm' takes channel_statistics ''
expect 'not those of other ops' leaves residual_add ''
run run-ptxas
expect 'all of them' takes residual_add ''
run sass OP=linear
expect 'without tensor cores' grep -qE '\*\*\* make sass is about tensor cores, which no kernel of linear uses\.' "$root/output"
expect 'is an error' [ "$status" -eq 2 ]

conclude
