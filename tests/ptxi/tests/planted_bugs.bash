# Planted bugs, and programs that are legal. Part of run.sh.
# Planted bugs: the report must contain the pattern. A "!" pattern must not appear.
outcome() { # program, name, pattern, environment settings
  local program=$1 name=$2 pattern=$3
  shift 3
  (env "$@" timeout 60 "$tests/$program" "$name"; true) >"$log" 2>&1
  case $pattern in
    !*) if grep -qE "${pattern#!}" "$log"; then fail "$name $*: reports $pattern"; else pass; fi ;;
    *) if grep -qE "$pattern" "$log"; then pass; else fail "$name $*: no $pattern"; fi ;;
  esac
}
# In kernels, whenever they run.
expect() { # name, pattern, environment settings
  outcome checks "$@"
  outcome checks "$@" PTXI_STREAMS=late
}
expect oob_write 'global write of 4 bytes out of bounds.*past the end.*kernel oob_write.*thread \(56,0,0\).*PTX line [0-9]+: st.*checks/memory.h:[0-9]+' PTXI_CC=80
expect oob_write 'last error: cudaErrorIllegalAddress' PTXI_CC=80
expect oob_read 'global read of 4 bytes out of bounds.*before device' PTXI_CC=80
expect use_after_free 'USE AFTER FREE' PTXI_CC=80
expect host_pointer 'not device-accessible memory' PTXI_CC=80
expect null_pointer 'null pointer' PTXI_CC=80
expect uninit_global 'read of uninitialised global memory.* tests/checks/memory.h:[0-9]+, called at tests/checks/memory.h:[0-9]+( |$)' PTXI_INIT=1
expect uninit_global '!WARNING' PTXI_CC=80
expect uninit_shared 'read of uninitialised shared memory.*thread \(63,0,0\)' PTXI_CC=80
expect misaligned 'misaligned address' PTXI_CC=80
expect misaligned 'last error: cudaErrorMisalignedAddress' PTXI_CC=80
expect shared_oob 'shared write out of bounds' PTXI_CC=80
expect local_oob 'local access out of bounds' PTXI_CC=80
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
  expect ok_shared_atomic '!WARNING|ERROR' PTXI_ORDER=$order
  expect ok_shared_atomic_lanes '!WARNING|ERROR' PTXI_ORDER=$order PTXI_SHARED=2
done
expect ok_shared_atomic 'shared-memory race between warps' PTXI_SHARED=2
expect ok_named_barrier '!WARNING|ERROR' PTXI_ORDER=0
expect ok_named_barrier '!WARNING|ERROR' PTXI_ORDER=1
expect race_named_barrier 'race between warps: read after a write by warp 0' PTXI_CC=80
expect race_blocks_ww 'global-memory race: write' PTXI_RACE=1
expect race_blocks_rw 'global-memory race: read' PTXI_RACE=1
expect race_global_warps 'global-memory race between warps: read.*after a write by warp' PTXI_RACE=1
expect race_global_warps_war 'global-memory race between warps: write.*after a read by warp' PTXI_RACE=1
expect race_global_lanes 'global-memory race within a warp: read.*after a write by lane' PTXI_RACE=1
expect race_global_lanes_war 'global-memory race within a warp: write.*after a read by lane' PTXI_RACE=1
expect race_global_syncwarp 'global-memory race between warps: read' PTXI_RACE=1
expect race_older_reader 'global-memory race between warps: write.*after a read by warp 2' PTXI_RACE=1 PTXI_ORDER=1
expect ok_global '!WARNING|ERROR' PTXI_RACE=1 PTXI_SHARED=2
expect race_atomic 'global-memory race: read.*after a write by block 0' PTXI_RACE=1
expect race_atomic 'global-memory race: write.*after a read by block 1' PTXI_RACE=1 PTXI_ORDER=1
expect read_only 'ld.global.nc of memory that the same launch writes' PTXI_RACE=1
expect ok_last_block '!WARNING|wrong' PTXI_RACE=1
for order in 0 1 2; do
  expect ok_lock '!WARNING|ERROR' PTXI_RACE=1 PTXI_ORDER=$order
  expect race_lock 'global-memory race: read.*after a write by block 0' PTXI_RACE=1 PTXI_ORDER=$order
done
# What orders accesses, and what only seems to, in whatever order blocks and warps run.
for name in $(grep -oE 'is\("[a-z_]+' tests/orders.cu | cut -d'"' -f2); do
  case $name in
    ok_*) pattern='!WARNING|ERROR|FAIL' ;;
    *) pattern='global-memory race' ;;
  esac
  for shared in 0 1 2; do
    for order in 0 1 2; do outcome orders "$name" "$pattern" PTXI_RACE=1 PTXI_SHARED=$shared PTXI_ORDER=$order; done
  done
done
expect divergent_barrier 'divergent barrier' PTXI_CC=80
expect mismatched_barrier 'same barrier in different places' PTXI_CC=80
expect deadlock 'DEADLOCK.*wait at PTX line' PTXI_CC=80
expect barrier_count_odd 'barrier thread count is not a multiple of the warp size' PTXI_CC=80
expect barrier_counts_differ 'barrier 1 used with different thread counts' PTXI_CC=80
expect barrier_count_high 'DEADLOCK.*wait at PTX line' PTXI_CC=80
expect ok_barrier_count '!WARNING|ERROR' PTXI_CC=80
expect shfl_masks 'lanes of one group execute this with different member masks' PTXI_CC=80
for name in mma ldmatrix; do
  expect ${name}_diverged "DEADLOCK.*PTX line [0-9]+: $name" PTXI_CC=80
  expect ${name}_exited "warp-wide instruction after lanes have exited.*PTX line [0-9]+: $name" PTXI_CC=80
done
expect shfl_mask 'not in its member mask.* tests/checks/warp_operations.h:[0-9]+( |$)' PTXI_CC=80
expect shfl_outside 'shfl.sync reads lane 16' PTXI_CC=80
expect shfl_missing 'DEADLOCK|do not execute' PTXI_CC=80
for order in 0 1 2; do
  expect ok_warp_barriers '!WARNING|ERROR|wrong' PTXI_ORDER=$order PTXI_SHARED=2
  expect ok_warp_barriers_nested '!WARNING|ERROR' PTXI_ORDER=$order PTXI_SHARED=2
  expect warp_barriers_apart 'shared-memory race within a warp' PTXI_ORDER=$order
  expect warp_barriers_masks 'bar.warp.sync with different member masks' PTXI_ORDER=$order
  expect warp_barrier_and_vote 'DEADLOCK.*lanes 0000ffff wait at PTX line.*lanes ffff0000 wait' PTXI_ORDER=$order
done
expect shfl_exited 'names lanes that have exited' PTXI_CC=80
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
expect trap 'cudaErrorLaunchFailure' PTXI_CC=80
expect assert 'device assertion .x == 1. failed' PTXI_CC=80
expect assert 'last error: cudaErrorAssert' PTXI_CC=80
expect dynamic_shared 'more than 48 KiB without cudaFuncSetAttribute' PTXI_CC=80
expect dynamic_shared 'last error: cudaErrorInvalidValue' PTXI_CC=80
expect ok_dynamic_shared 'last error: cudaSuccess' PTXI_CC=80
expect launch_bounds 'last error: cudaErrorLaunchOutOfResources' PTXI_CC=80
expect block_size 'last error: cudaErrorInvalidConfiguration' PTXI_CC=80
expect empty_grid 'launch refused: a grid or block dimension is 0' PTXI_CC=80
expect grid_size 'launch refused: grid too large' PTXI_CC=80
expect grid_size 'last error: cudaErrorInvalidConfiguration' PTXI_CC=80
expect cooperative_size 'launch refused: .* blocks in a cooperative launch, but only [0-9]+ fit.*kernel fill' PTXI_CC=80
expect cooperative_size 'last error: cudaErrorCooperativeLaunchTooLarge' PTXI_CC=80
expect ok_cooperative_size 'last error: cudaSuccess' PTXI_CC=80
expect tf32_raw 'nonzero low mantissa bits' PTXI_TF32=1
expect host_access 'host code accessed device memory' PTXI_CC=80
expect memcpy_overrun 'run over its end' PTXI_CC=80
expect memcpy_kind 'memcpy: cudaErrorInvalidValue' PTXI_CC=80
expect double_free 'free: cudaErrorInvalidValue' PTXI_CC=80
expect uninit_shared 'last error: cudaErrorLaunchFailure' PTXI_STRICT=1

# In host code, which shows under late streams.
late() { # program, name, pattern, environment settings
  local program=$1 name=$2 pattern=$3
  shift 3
  outcome "$program" "$name" "$pattern" PTXI_STREAMS=late "$@"
}
late streams_host read_early 'host code reads at streams_host\+0x[0-9a-f]+ to .*offset 16380 of pinned.*copy #[0-9]+ .cudaMemcpyAsync called at streams_host\+0x[0-9a-f]+[^,]*, stream 1. has yet to write'
late streams_host read_early 'result wrong'
late streams_host read_not_ready 'host code reads at' PTXI_SEED=1
late streams_host own_handler 'host code reads at'
late streams_host own_handler '!own handler'
late streams_host own_handler_fault 'own handler'
late streams_host overwrite 'host code writes at.*offset 0 of pinned.*cudaMemcpyAsync called at .* has yet to read'
late streams_host overwrite 'result wrong'
late streams_host overwrite 'overwritten before .*cudaMemcpyAsync called at .*forced by cudaDeviceSynchronize called at' PTXI_HOSTGUARD=0
late streams_host overwrite_twice 'host code writes at.*cudaMemcpyAsync called at .* stream 1. has yet to read'
late streams_host overwrite_twice 'host code writes at.*cudaMemcpyAsync called at .* stream 2. has yet to read'
late streams_host overwrite_part 'overwritten before .* 64 bytes at .*cudaMemcpyAsync called at .*forced by cudaStreamSynchronize called at'
late streams_host overwrite_registered 'overwritten before .* registered.*has yet to read'
late streams_host unregister 'cudaHostUnregister called at .* frees memory .* still needs: .*for copy #[0-9]+ .cudaMemcpyAsync called at'
late streams_host free_host 'cudaFreeHost called at .* frees memory .* still needs: .*for copy #[0-9]+ .cudaMemcpyAsync called at'
late streams_host free_registered 'freed before work .* 67108864 bytes at .* registered.* copy #[0-9]+ .cudaMemcpyAsync called at .* has yet to read'
late streams_host pageable_free_source 'result right'
late streams_host pageable_free_destination 'result right'
late streams_host pageable_free_source 'freed before work .* 67108864 bytes at pageable host memory, which copy .* has yet to read' PTXI_STREAMS=latest
late streams_host pageable_free_destination 'freed before work .* pageable host memory, which copy .* has yet to write' PTXI_STREAMS=latest
late streams_host overwrite_graph 'host code writes at .*copy #[0-9]+ .cudaGraphLaunch called at'
for case in function_calls callback_calls; do
  for mode in now late; do
    outcome streams_host $case 'host function must not call the runtime: cudaStreamSynchronize called at( from| streams_host\+0x[0-9a-f]+)+( \| host function #[0-9]+ .*)?$' PTXI_STREAMS=$mode
    outcome streams_host $case 'inside: cudaErrorNotPermitted' PTXI_STREAMS=$mode
    outcome streams_host $case '!FAIL' PTXI_STREAMS=$mode
  done
done
late streams_host function_then_overwrite 'host code writes at.*cudaMemcpyAsync called at .* has yet to read'
late streams_host function_then_overwrite 'result wrong'
late streams_host function_then_read 'host code reads at.*cudaMemcpyAsync called at .* has yet to write'
late streams_host overwrite_after_function 'overwritten before .* 64 bytes at '
late streams_host function_of_fault '!overwritten'
late streams_host host_function_race 'host code writes at .*copy #[0-9]+ .cudaMemcpyAsync called at'
late streams_host pageable_overwrite 'result right'
late streams_host pageable_read 'result right'
late streams_host pageable_overwrite 'overwritten before .* pageable host memory' PTXI_STREAMS=latest
late streams_host pageable_overwrite 'result wrong' PTXI_STREAMS=latest
late streams_host pageable_read 'result wrong' PTXI_STREAMS=latest
for case in missing_wait missing_wait_device missing_wait_back wait_too_early default_stream upload_in_flight fill_in_flight graph_missing_wait; do
  outcome streams $case 'result right' PTXI_STREAMS=now
  late streams $case 'result wrong'
done
# The host waits for the first stream before the second, so this is wrong only where the device does more than what is
# waited for: under some seeds, and always under those.
wrong=0
for seed in 1 2 3; do
  for _ in 1 2 3; do
    env PTXI_STREAMS=late PTXI_ORDER=2 PTXI_SEED=$seed "$tests/streams" missing_wait_synced
  done >"$log" 2>&1
  if [ "$(sort -u "$log" | wc -l)" = 1 ]; then pass; else fail "PTXI_SEED=$seed is not repeatable"; fi
  if grep -q 'result wrong' "$log"; then wrong=1; fi
done
if [ $wrong = 1 ]; then pass; else fail "missing_wait_synced is right under every seed"; fi
late streams fault 'launch: cudaSuccess'
late streams fault 'wait: cudaErrorIllegalAddress'
late streams fault 'kernel out_of_bounds.*#[0-9]+ .*called at streams\+0x[0-9a-f]+[^,]*, stream 1'
for case in unwaited unwaited_reset; do
  late streams $case '3 piece.s. of work were never waited for and not done, the first: kernel set.*#[0-9]+ .*called at streams\+0x[0-9a-f]+[^,]*, stream 1'
done
late streams unwaited_reset 'never waited for' PTXI_STREAMS=latest
late streams elapsed 'elapsed: cudaErrorNotReady'
late streams queries '\b0 .*\b6 |\b6 .*\b0 '
late streams free_waits 'wait: cudaSuccess'
late streams free_waits 'USE AFTER FREE.*freed by cudaFree called at' PTXI_STREAMS=latest
late streams pool_use_before 'used without an order after its allocation: .* by kernel set.*stream 2.; it is that of allocation #[0-9]+ .cudaMallocAsync called at .*stream 1'
late streams pool_free_before_use 'USE AFTER FREE.*freed by free #[0-9]+ .cudaFreeAsync called at .*stream 1.*kernel set.*#[0-9]+ .*stream 2'
late streams pool_free_unordered 'freed without an order after its use: .*cudaFreeAsync called at .*stream 1.*used by kernel set.*stream 2'
late streams pool_use_after 'USE AFTER FREE.*freed by free #[0-9]+ .cudaFreeAsync called at'
late streams pool_copy_after 'USE AFTER FREE.*freed by free #[0-9]+ .cudaFreeAsync called at .*copy #[0-9]+ .cudaMemcpyAsync called at'
late streams pool_copy_after 'wait: cudaErrorIllegalAddress'
late streams pool_free_by_host 'USE AFTER FREE.*freed by cudaFree called at .*kernel set.*#[0-9]+ .*called at'

# Reports name the line of the call, whatever functions of the toolkit lie between.
line_of_report() { # program, case, function, comment on the line
  local line addresses
  line=$(grep -n "// $4\$" tests/places.cu | cut -d: -f1)
  env PTXI_STREAMS=late "$tests/$1" "$2" >"$log" 2>&1
  addresses=$(sed -nE "s/.*\\($3 called at ([^,]*),.*/\\1/p" "$log" | grep -oE '0x[0-9a-f]+')
  addr2line -i -e "$tests/$1" <<<"$addresses" >>"$log"
  if grep -qE "places.cu:$line( |$)" "$log"; then pass; else fail "$1 $2: no line $line"; fi
}
for program in places0 places2; do
  for case in 1 2; do
    line_of_report $program $case __cudaLaunchKernel "launched $case"
    line_of_report $program $case cudaMallocAsync allocated
  done
done

# Legal programs: no report and, where they compute something, the right result.
legal() { # program, environment settings
  local program=$1 name
  shift
  for name in $(grep -oE 'is\("ok_[a-z_]+' "tests/$program.cu" | cut -d'"' -f2 | sort -u); do
    outcome "$program" "$name" '!WARNING|ERROR|FAIL|wrong' PTXI_STREAMS=late PTXI_INIT=1 PTXI_RACE=1 PTXI_MEM=100 "$@"
  done
}
for program in streams streams_host; do
  legal $program PTXI_ORDER=0
  legal $program PTXI_STREAMS=latest
  for seed in 1 2 3; do legal $program PTXI_ORDER=2 PTXI_SEED=$seed; done
done
