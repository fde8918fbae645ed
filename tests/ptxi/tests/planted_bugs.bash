# Planted bugs in kernels, and kernels that are legal. Part of run.sh.
# The report must contain the pattern, or a "!" pattern must not appear, of a program that has such a case. It must end by
# itself, neither at the time limit nor by a signal; where `dies` is set, with that status: 139 is that of SIGSEGV.
outcome() { # program, name, pattern, environment settings
  local program=$1 name=$2 pattern=$3 status
  shift 3
  (env "$@" timeout 60 "$tests/$program" "$name"; exit $?) >"$log" 2>&1
  status=$?
  if { [ -n "${dies:-}" ] || [ $status -ge 124 ]; } && [ $status != "${dies:-}" ]; then
    fail "$name $*: ends with status $status"
    return
  fi
  case $pattern in
    !*) if grep -qE "${pattern#!}" "$log"; then fail "$name $*: reports $pattern"; else pass; fi ;;
    *) if grep -qE "$pattern" "$log"; then pass; else fail "$name $*: no $pattern"; fi ;;
  esac
}
# Whenever kernels run.
expect() { # name, pattern, environment settings
  outcome checks "$@"
  outcome checks "$@" PTXI_STREAMS=late
}
expect oob_write 'global write of 4 bytes out of bounds.*past the end.*kernel oob_write.*thread \(56,0,0\).*PTX line [0-9]+: st.*checks/memory.h:[0-9]+' PTXI_CC=80
expect oob_write 'last error: cudaErrorIllegalAddress' PTXI_CC=80
expect oob_read 'global read of 4 bytes out of bounds.*before device' PTXI_CC=80
line=$(grep -n 'sum_up<64>' tests/checks/memory.h | cut -d: -f1)
expect oob_recursion "global read of 4 bytes out of bounds.*tests/checks/memory.h:$line( |\$)" PTXI_CC=80
expect use_after_free 'USE AFTER FREE' PTXI_CC=80
expect host_pointer 'not device-accessible memory' PTXI_CC=80
expect null_pointer 'null pointer' PTXI_CC=80
expect uninit_global 'read of uninitialised global memory.* tests/checks/memory.h:[0-9]+, called at tests/checks/memory.h:[0-9]+( |$)' PTXI_INIT=1
expect uninit_global '!WARNING' PTXI_CC=80
expect uninit_shared 'read of uninitialised shared memory.*thread \(63,0,0\)' PTXI_CC=80
expect misaligned 'misaligned address 0x.*\(offset 4 of device allocation' PTXI_CC=80
expect misaligned 'last error: cudaErrorMisalignedAddress' PTXI_CC=80
expect shared_oob 'shared write out of bounds' PTXI_CC=80
expect shared_padding 'shared write out of bounds: offset 100 of 100 bytes' PTXI_CC=80
expect shared_oob_read 'shared read out of bounds: offset 256 of 256 bytes' PTXI_CC=80
expect shared_misaligned 'misaligned shared offset 2 for an access of 4 bytes' PTXI_CC=80
expect local_oob 'local access out of bounds' PTXI_CC=80
expect local_misaligned 'misaligned local offset [0-9]+ for an access of 4 bytes' PTXI_CC=80
expect parameter_oob 'parameter access out of bounds' PTXI_CC=80
expect parameter_write 'write to a kernel parameter' PTXI_CC=80
expect global_as_shared 'cvta.to of an address in another space' PTXI_CC=80
expect race_warps 'race between warps: read after a write by warp' PTXI_CC=80
expect race_war 'race between warps: write after a read by warp' PTXI_CC=80
expect race_lanes 'race within a warp: read after a write by lane' PTXI_CC=80
expect ok_lanes_syncwarp '!WARNING' PTXI_SHARED=2
expect lanes_shfl '!WARNING' PTXI_CC=80
expect lanes_shfl 'race within a warp' PTXI_SHARED=2
expect lanes_volatile '!WARNING' PTXI_CC=80
expect lanes_volatile 'race within a warp: read after a write by lane' PTXI_SHARED=2
expect race_same_address 'race within a warp: write after a write' PTXI_CC=80
expect same_value '!WARNING' PTXI_CC=80
expect same_value 'race within a warp' PTXI_SHARED=2
for order in 0 1 2; do
  expect shared_atomic_read 'shared-memory race between warps' PTXI_ORDER=$order
  expect shared_atomic_own 'shared-memory race between warps' PTXI_ORDER=$order
  expect shared_atomic_lane 'shared-memory race within a warp: write after a read by lane 3' PTXI_ORDER=$order
  expect shared_atomic_own_lane 'shared-memory race within a warp: read after a write by lane' PTXI_ORDER=$order
  expect shared_volatile 'shared-memory race between warps' PTXI_ORDER=$order
  expect read_by_halves 'shared-memory race within a warp: write after a read by lane 20' PTXI_ORDER=$order
  expect add_by_halves 'shared-memory race within a warp: write after a (read|write) by lane 20' PTXI_ORDER=$order
  expect ok_by_halves '!WARNING|ERROR' PTXI_ORDER=$order PTXI_SHARED=2
  expect ok_shared_atomic '!WARNING|ERROR' PTXI_ORDER=$order
  expect ok_shared_atomic_lanes '!WARNING|ERROR' PTXI_ORDER=$order PTXI_SHARED=2
done
expect ok_shared_atomic 'shared-memory race between warps' PTXI_SHARED=2
expect ok_named_barrier '!WARNING|ERROR' PTXI_ORDER=0
expect ok_named_barrier '!WARNING|ERROR' PTXI_ORDER=1
expect race_named_barrier 'race between warps: read after a write by warp 0' PTXI_CC=80
for order in 0 1 2; do
  expect arrive_and_read 'shared-memory race between warps' PTXI_ORDER=$order
  expect produce_twice 'shared-memory race between warps' PTXI_ORDER=$order
  expect produce_global_twice 'global-memory race between warps' PTXI_RACE=1 PTXI_ORDER=$order
  expect returned_writer 'shared-memory race between warps' PTXI_ORDER=$order
  expect ok_returned_writer '!WARNING|ERROR' PTXI_ORDER=$order PTXI_SHARED=2
  expect ok_named_barrier_of_parts '!WARNING|ERROR' PTXI_RACE=1 PTXI_ORDER=$order PTXI_SHARED=2
  expect ok_loop_return '!WARNING|ERROR' PTXI_RACE=1 PTXI_ORDER=$order
  expect loop_barrier_left_out 'divergent barrier: this thread went past' PTXI_ORDER=$order
  expect ok_syncwarp_of_rest '!WARNING|ERROR' PTXI_ORDER=$order PTXI_SHARED=2
  for n in 0 1 2; do
    where=$([ $n = 2 ] && echo 'between warps' || echo 'within a warp')
    for memory in shared global; do
      expect returned_lane_wrote_$n "$memory-memory race $where: read .*after a write" PTXI_RACE=1 PTXI_ORDER=$order
      expect returned_lane_read_$n "$memory-memory race $where: write .*after a read" PTXI_RACE=1 PTXI_ORDER=$order
      expect returned_tile_wrote_$n "$memory-memory race $where: read .*after a write" PTXI_RACE=1 PTXI_ORDER=$order
      expect returned_tile_read_$n "$memory-memory race $where: write .*after a read" PTXI_RACE=1 PTXI_ORDER=$order
    done
    expect ok_returned_lanes_$n '!WARNING|ERROR' PTXI_RACE=1 PTXI_ORDER=$order PTXI_SHARED=2
  done
  expect ok_arrive_and_read '!WARNING|ERROR' PTXI_ORDER=$order PTXI_SHARED=2
  expect ok_produce_twice '!WARNING|ERROR' PTXI_RACE=1 PTXI_ORDER=$order PTXI_SHARED=2
done
expect race_blocks_ww 'global-memory race: write' PTXI_RACE=1
expect race_blocks_rw 'global-memory race: read' PTXI_RACE=1
expect race_global_warps 'global-memory race between warps: read.*after a write by warp' PTXI_RACE=1
expect race_global_warps_war 'global-memory race between warps: write.*after a read by warp' PTXI_RACE=1
expect race_global_lanes 'global-memory race within a warp: read.*after a write by lane' PTXI_RACE=1
expect race_global_lanes_war 'global-memory race within a warp: write.*after a read by lane' PTXI_RACE=1
expect race_global_syncwarp 'global-memory race between warps: read' PTXI_RACE=1
expect race_older_reader 'global-memory race between warps: write.*after a read by warp 2' PTXI_RACE=1 PTXI_ORDER=1
expect ok_global '!WARNING|ERROR' PTXI_RACE=1 PTXI_SHARED=2
for order in 0 1 2; do
  expect global_by_halves 'global-memory race within a warp: write .* after a read by lane 20' PTXI_RACE=1 PTXI_ORDER=$order
  expect ok_read_by_pairs '!WARNING|ERROR' PTXI_RACE=1 PTXI_ORDER=$order PTXI_SHARED=2
  for memory in shared global; do
    expect ${memory}_read_again "$memory-memory race within a warp: write .*after a read by lane 0" PTXI_RACE=1 PTXI_ORDER=$order
  done
  expect ok_global_by_halves '!WARNING|ERROR' PTXI_RACE=1 PTXI_ORDER=$order
done
expect race_atomic 'global-memory race: read.*after a write by block 0' PTXI_RACE=1
expect race_atomic 'global-memory race: write.*after a read by block 1' PTXI_RACE=1 PTXI_ORDER=1
expect read_only 'ld.global.nc of memory that the same launch writes' PTXI_RACE=1
expect ok_last_block '!WARNING|wrong' PTXI_RACE=1
for order in 0 1 2; do
  expect ok_lock '!WARNING|ERROR' PTXI_RACE=1 PTXI_ORDER=$order
  expect race_lock 'global-memory race: read.*after a write by block 0' PTXI_RACE=1 PTXI_ORDER=$order
done
# What orders accesses, and what only seems to, in whatever order blocks and warps run: in global memory, and over flags
# in shared memory, whose kernels have a race there.
names() { # files
  grep -ohE 'is\("[a-z_]+' "$@" | cut -d'"' -f2
}
orders() { # name, race, environment settings
  local name=$1 pattern=$2 order
  shift 2
  case $name in ok_*) pattern='!WARNING|ERROR|FAIL' ;; esac
  for order in 0 1 2; do outcome orders "$name" "$pattern" PTXI_ORDER=$order "$@"; done
}
for shared in 0 1 2; do
  for name in $(names tests/orders/hand_over.h tests/orders/last_block.h); do
    orders "$name" 'global-memory race' PTXI_RACE=1 PTXI_SHARED=$shared
  done
  for name in $(names tests/orders/shared_flags.h); do
    if [ $shared = 0 ]; then
      case $name in *flag*) orders "$name" 'global-memory race' PTXI_RACE=1 PTXI_SHARED=0 ;; esac
    else
      for race in 0 1; do orders "$name" 'shared-memory race' PTXI_RACE=$race PTXI_SHARED=$shared; done
    fi
  done
done
for name in $(names tests/orders/cluster_flag.h); do orders "$name" 'global-memory race' PTXI_RACE=1 PTXI_CC=90; done
for order in 0 1 2; do outcome orders ok_look_back '!WARNING|ERROR' PTXI_RACE=1 PTXI_ORDER=$order; done
reported=0
for seed in 1 2 3 4; do
  outcome orders ok_look_back '!WARNING|ERROR' PTXI_RACE=1 PTXI_ORDER=2 PTXI_SEED=$seed
  if PTXI_RACE=1 PTXI_ORDER=2 PTXI_SEED=$seed "$tests/orders" look_back 2>&1 | grep -q 'global-memory race: read'; then reported=1; fi
done
if [ $reported = 1 ]; then pass; else fail "look_back is silent under every seed"; fi
for order in 0 1 2; do
  expect divergent_barrier 'divergent barrier: this thread went past the barrier' PTXI_ORDER=$order
  expect barrier_left_out 'divergent barrier: only a part of the warp reaches this aligned barrier' PTXI_ORDER=$order
  expect barrier_predicated 'divergent barrier: predicated off for a part of the warp' PTXI_ORDER=$order
  expect ok_early_return '!WARNING|ERROR' PTXI_ORDER=$order
done
expect mismatched_barrier 'same barrier in different places' PTXI_CC=80
expect deadlock 'DEADLOCK.*wait at PTX line' PTXI_CC=80
expect barrier_count_odd 'barrier thread count is not a multiple of the warp size' PTXI_CC=80
expect barrier_counts_differ 'barrier 1 used with different thread counts' PTXI_CC=80
expect barrier_16 'there is no barrier 16' PTXI_CC=80
expect ok_barrier_count_0 '!WARNING|ERROR' PTXI_CC=80
expect barrier_count_high 'DEADLOCK.*wait at PTX line' PTXI_CC=80
expect ok_barrier_count '!WARNING|ERROR' PTXI_CC=80
for order in 0 1 2; do
  expect grid_barrier_left_out 'DEADLOCK: a block has ended before a grid synchronisation.* tests/checks/barriers.h:[0-9]+' PTXI_ORDER=$order
  expect ok_grid_barrier '!WARNING|ERROR' PTXI_ORDER=$order
done
expect grid_barrier_left_out 'last error: cudaErrorLaunchTimeout' PTXI_CC=80
expect shfl_masks 'lanes of one group execute this with different member masks' PTXI_CC=80
for name in mma ldmatrix; do
  expect ${name}_diverged "DEADLOCK.*PTX line [0-9]+: $name" PTXI_CC=80
  expect ${name}_exited "warp-wide instruction after lanes have exited.*PTX line [0-9]+: $name" PTXI_CC=80
done
expect ok_blocks_wait '!WARNING|ERROR' PTXI_MAX_STEPS=1500000
expect blocks_wait 'step limit reached' PTXI_MAX_STEPS=1500000
expect lanes_converged wrong PTXI_ORDER=2 PTXI_SEED=1
for seed in 1 2 3; do expect ok_lanes_meet '!WARNING|ERROR|wrong' PTXI_ORDER=2 PTXI_SEED=$seed; done
expect shfl_mask 'not in its member mask.* tests/checks/warp_operations.h:[0-9]+( |$)' PTXI_CC=80
expect shfl_outside 'shfl.sync reads lane 16' PTXI_CC=80
expect shfl_missing 'DEADLOCK.*lanes 0000ffff wait at PTX line.*lanes ffff0000 wait' PTXI_CC=80
expect shfl_predicated 'lanes of the member mask do not execute this instruction' PTXI_CC=80
expect ldmatrix_predicated 'warp-wide instruction predicated off for a part of the warp' PTXI_CC=80
for order in 0 1 2; do
  expect ok_warp_barriers '!WARNING|ERROR|wrong' PTXI_ORDER=$order PTXI_SHARED=2
  expect ok_warp_barriers_nested '!WARNING|ERROR' PTXI_ORDER=$order PTXI_SHARED=2
  expect warp_barriers_apart 'shared-memory race within a warp' PTXI_ORDER=$order
  expect warp_barriers_masks 'bar.warp.sync with different member masks' PTXI_ORDER=$order
  expect warp_barrier_and_vote 'DEADLOCK.*lanes 0000ffff wait at PTX line.*lanes ffff0000 wait' PTXI_ORDER=$order
done
expect shfl_exited 'names lanes that have exited' PTXI_CC=80
expect shfl_from_exited 'shfl reads lane 16, which is inactive or has exited' PTXI_CC=80
expect shfl_exited '!DEADLOCK|ERROR' PTXI_CC=80
for mode in late early; do
  expect ok_cp '!WARNING|ERROR' PTXI_CPASYNC=$mode
  expect cp_shared_oob 'cp.async shared write out of bounds: offset 64 of 64' PTXI_CPASYNC=$mode
  expect cp_global_oob 'cp.async global read out of bounds.*past the end' PTXI_CPASYNC=$mode
  expect cp_shared_misaligned 'cp.async with a misaligned shared address' PTXI_CPASYNC=$mode
  expect cp_global_misaligned 'cp.async with a misaligned global address' PTXI_CPASYNC=$mode
  expect cp_write_target 'write of shared memory with a cp.async in flight' PTXI_CPASYNC=$mode
done
for order in 0 1 2; do
  for mode in late early; do
    expect cp_source_own 'global-memory race: write of .* with a cp.async in flight that reads it' PTXI_RACE=1 PTXI_ORDER=$order PTXI_CPASYNC=$mode
    expect cp_source_other 'global-memory race' PTXI_RACE=1 PTXI_ORDER=$order PTXI_CPASYNC=$mode
    expect ok_cp_source '!WARNING|ERROR' PTXI_RACE=1 PTXI_ORDER=$order PTXI_CPASYNC=$mode
  done
done
expect cp_no_wait 'cp.async in flight' PTXI_CC=80
expect ok_steps '!ERROR' PTXI_MAX_STEPS=1000 PTXI_THREADS=1
for name in steps steps_of_a_part; do
  expect $name 'step limit reached.*turns.* tests/checks/launches.h:[0-9]+' PTXI_MAX_STEPS=1000
  expect $name 'last error: cudaErrorLaunchTimeout' PTXI_MAX_STEPS=1000
done
expect branch_table 'branch table index out of range' PTXI_CC=80
expect trap 'cudaErrorLaunchFailure' PTXI_CC=80
expect assert 'device assertion .x == 1. failed' PTXI_CC=80
expect assert 'last error: cudaErrorAssert' PTXI_CC=80
expect dynamic_shared 'more than 48 KiB without cudaFuncSetAttribute' PTXI_CC=80
expect dynamic_shared 'last error: cudaErrorInvalidValue' PTXI_CC=80
expect ok_dynamic_shared 'last error: cudaSuccess' PTXI_CC=80
expect packed_integers 'unsupported modifier .u16x2' PTXI_CC=80
expect no_constant "not a constant: '1_000' .PTX line [0-9]+: mov.u32" PTXI_CC=80
expect no_expression "not a constant: '.1.2' .PTX line" PTXI_CC=80
expect division_by_zero "division by zero in '1/.2-2.' .PTX line" PTXI_CC=80
expect float_as_integer "a floating constant where the instruction takes none: '1.5' .PTX line" PTXI_CC=80
expect integer_as_float "an integer constant where the instruction takes none: '1' .PTX line" PTXI_CC=80
expect no_offset "not a constant: '16x' .PTX line" PTXI_CC=80
expect recursive 'recursive functions are not supported .PTX line' PTXI_CC=80
expect too_large 'a kernel of more than 1000000 instructions, with its calls expanded in place, is not supported .PTX line' PTXI_CC=80
expect launch_bounds 'last error: cudaErrorLaunchOutOfResources' PTXI_CC=80
expect block_size 'last error: cudaErrorInvalidConfiguration' PTXI_CC=80
expect empty_grid 'launch refused: a grid or block dimension is 0' PTXI_CC=80
expect grid_size 'launch refused: grid too large' PTXI_CC=80
expect grid_size 'last error: cudaErrorInvalidConfiguration' PTXI_CC=80
expect cooperative_size 'launch refused: .* blocks in a cooperative launch, but only [0-9]+ fit.*kernel fill' PTXI_CC=80
expect cooperative_size 'last error: cudaErrorCooperativeLaunchTooLarge' PTXI_CC=80
expect ok_cooperative_size 'last error: cudaSuccess' PTXI_CC=80
expect tf32_raw 'nonzero low mantissa bits' PTXI_TF32=1
dies=139 expect host_access 'host code accessed device memory' PTXI_CC=80
expect memcpy_overrun 'run over its end' PTXI_CC=80
expect to_symbol_overrun "memcpy destination: 16 bytes at .*offset 4 of .*'variable' of 16 bytes.* run over its end" PTXI_CC=80
expect to_symbol_overrun 'memcpy: cudaErrorInvalidValue' PTXI_CC=80
expect from_symbol_overrun 'memcpy source: 4 bytes at .* run over its end' PTXI_CC=80
expect ok_symbol '!WARNING|ERROR|memcpy: cudaError' PTXI_CC=80
expect memcpy_kind 'memcpy: cudaErrorInvalidValue' PTXI_CC=80
expect double_free 'free: cudaErrorInvalidValue' PTXI_CC=80
expect uninit_shared 'last error: cudaErrorLaunchFailure' PTXI_STRICT=1
