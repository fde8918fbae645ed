# Planted bugs in host code, which show under late streams, and programs that are legal. Part of run.sh.
late() { # name, pattern, environment settings
  local name=$1 pattern=$2
  shift 2
  outcome streams "$name" "$pattern" PTXI_STREAMS=late "$@"
}

# Memory of the host.
late read_early 'host code reads at streams\+0x[0-9a-f]+ to .*offset 16380 of pinned.*copy #[0-9]+ .cudaMemcpyAsync called at streams\+0x[0-9a-f]+[^,]*, stream 1. has yet to write'
late read_early 'result wrong'
late read_not_ready 'host code reads at' PTXI_SEED=1
late own_handler 'host code reads at'
late own_handler '!own handler'
dies=139 late own_handler_fault 'own handler'
late stack_overflow 'caught'
late own_handlers 'second handler'
late own_handlers 'recovered'
late overwrite 'host code writes at.*offset 0 of pinned.*cudaMemcpyAsync called at .* has yet to read'
late overwrite 'result wrong'
late overwrite 'overwritten before .*cudaMemcpyAsync called at .*forced by cudaDeviceSynchronize called at' PTXI_HOSTGUARD=0
late overwrite_twice 'host code writes at.*cudaMemcpyAsync called at .* stream 1. has yet to read'
late overwrite_twice 'host code writes at.*cudaMemcpyAsync called at .* stream 2. has yet to read'
late overwrite_part 'overwritten before .* 64 bytes at .*cudaMemcpyAsync called at .*forced by cudaStreamSynchronize called at'
late overwrite_registered 'overwritten before .* registered.*has yet to read'
late overwrite_before_download 'overwritten before .* 64 bytes at .*has yet to read; forced by cudaDeviceSynchronize called at'
for case in overwrite_before_kernel overwrite_registered_before_kernel; do
  late $case 'overwritten before .* 64 bytes at .*has yet to read; forced by cudaStreamSynchronize called at'
done
late overwrite_between_downloads 'overwritten before .* 64 bytes at .*has yet to write; forced by cudaStreamSynchronize called at'
late overwrite_after_download 'overwritten before .* 64 bytes at .*has yet to read; forced by cudaStreamSynchronize called at'
late unregister 'cudaHostUnregister called at .* frees memory .* still needs: .*for copy #[0-9]+ .cudaMemcpyAsync called at'
late free_host 'cudaFreeHost called at .* frees memory .* still needs: .*for copy #[0-9]+ .cudaMemcpyAsync called at'
dies=139 late free_registered 'freed before work .* 67108864 bytes at .* registered.* copy #[0-9]+ .cudaMemcpyAsync called at .* has yet to read'
late pageable_free_source 'result right'
late pageable_free_destination 'result right'
dies=139 late pageable_free_source 'freed before work .* 67108864 bytes at pageable host memory, which copy .* has yet to read' PTXI_STREAMS=latest
dies=139 late pageable_free_destination 'freed before work .* pageable host memory, which copy .* has yet to write' PTXI_STREAMS=latest
dies=139 late copy_of_freed 'accessed freed memory at .*USE AFTER FREE: offset 0 of freed pinned .*freed by cudaFreeHost called at'
dies=139 late graph_of_freed 'accessed freed memory at .*USE AFTER FREE: offset 0 of freed pinned .*freed by cudaFreeHost called at'
dies=139 late graph_of_unmapped 'freed before work .* 67108864 bytes at pageable host memory, which copy #[0-9]+ .cudaGraphLaunch called at'
dies=139 late helper_faults 'freed before work .*offset 0 of registered.*, which kernel touch_from_block_2.* uses' PTXI_THREADS=2
late free_host 'cudaFreeHost called at .* of .*USE AFTER FREE: offset 0 of freed pinned'
late pinned_too_much 'cannot map pinned memory: '
late pinned_too_much '!FAIL'
late overwrite_graph 'host code writes at .*copy #[0-9]+ .cudaGraphLaunch called at'
for case in function_calls callback_calls; do
  for mode in now late; do
    outcome streams $case 'host function must not call the runtime: cudaStreamSynchronize called at( from| streams\+0x[0-9a-f]+)+( \| host function #[0-9]+ .*)?$' PTXI_STREAMS=$mode
    outcome streams $case 'inside: cudaErrorNotPermitted' PTXI_STREAMS=$mode
    outcome streams $case '!FAIL' PTXI_STREAMS=$mode
  done
done
late function_then_overwrite 'host code writes at.*cudaMemcpyAsync called at .* has yet to read'
late function_then_overwrite 'result wrong'
late function_then_read 'host code reads at.*cudaMemcpyAsync called at .* has yet to write'
for case in overwrite_before_function overwrite_between_functions overwrite_after_function; do
  late $case 'overwritten before .* 64 bytes at '
done
late function_of_fault '!overwritten'
for mode in now late; do
  outcome streams function_calls_much 'must not call the runtime: cudaDeviceReset called at' PTXI_STREAMS=$mode
  outcome streams function_calls_much '!FAIL' PTXI_STREAMS=$mode
done
late function_waits_for_touch 'host code writes at .*copy #[0-9]+ .* has yet to read'
dies=139 late function_frees 'freed before work .* registered.* copy #[0-9]+ .cudaMemcpyAsync called at .* has yet to read'
# 2048 pages, each reported when it is touched and again by its copy.
for case in touch_together touch_beside_cooperative; do late $case '\] 4096 different warning'; done
late host_function_race 'host code writes at .*copy #[0-9]+ .cudaMemcpyAsync called at'
late pageable_overwrite 'result right'
late pageable_read 'result right'
late pageable_to_managed 'result right'
late pageable_overwrite 'overwritten before .* pageable host memory' PTXI_STREAMS=latest
late pageable_overwrite 'result wrong' PTXI_STREAMS=latest
late pageable_read 'result wrong' PTXI_STREAMS=latest

# Streams among each other, and work that fails or is not waited for.
for case in thread_streams missing_wait missing_wait_device missing_wait_back wait_too_early default_stream default_stream_queried upload_in_flight fill_in_flight graph_missing_wait child_missing_wait nothing_copied; do
  outcome streams $case 'result right' PTXI_STREAMS=now
  late $case 'result wrong'
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
late fault 'launch: cudaSuccess'
late fault 'wait: cudaErrorIllegalAddress'
late fault 'kernel out_of_bounds.*#[0-9]+ .*called at streams\+0x[0-9a-f]+[^,]*, stream 1'
for case in unwaited unwaited_reset; do
  late $case '3 piece.s. of work were never waited for and not done, the first: kernel set.*#[0-9]+ .*called at streams\+0x[0-9a-f]+[^,]*, stream 1'
done
late unwaited_reset 'never waited for' PTXI_STREAMS=latest
late fault_of_another '!WARNING|wrong'
late fault_of_another 'result right'
late callbacks_of_fault 'callback: cudaErrorIllegalAddress'
late callbacks_of_fault 'callback of another: cudaErrorIllegalAddress'
for mode in now late; do
  outcome streams ok_destructor 'result right' PTXI_STREAMS=$mode MALLOC_PERTURB_=165
  outcome streams ok_destructor '!FAIL|WARNING' PTXI_STREAMS=$mode PTXI_RACE=1 MALLOC_PERTURB_=165
  for _ in 1 2 3; do outcome streams threads_at_exit '!FAIL' PTXI_STREAMS=$mode; done
done
late ok_fork 'result right' PTXI_EXITCODE=99
late child_of_reported 'result right' PTXI_EXITCODE=99
late elapsed 'elapsed: cudaErrorNotReady'
late elapsed '!FAIL'
late queries '\b0 .*\b6 |\b6 .*\b0 '

# The result is right in any order, but on a device updates may be lost.
for case in both_increase both_increase_waiting branches_increase; do
  for order in 0 1 2; do
    late $case 'used without an order by two .*: .* by kernel increase.*#[0-9]+ .*called at .*,.* and by kernel increase.*#[0-9]+ .*called at' PTXI_RACE=1 PTXI_ORDER=$order
    late $case 'result right' PTXI_RACE=1 PTXI_ORDER=$order
  done
done
late both_copy 'used without an order by two .*offset 16380 of .* by fill #[0-9]+ .* and by copy #[0-9]+ '
for case in kernel_and_fill_pinned kernel_and_fill_managed copies_pinned; do
  for order in 0 1 2; do late $case 'used without an order by two .*offset 0 of (pinned|managed)' PTXI_RACE=1 PTXI_ORDER=$order; done
done
late increase_of_atomics 'used without an order by two ' PTXI_RACE=1

# Few addresses, which are then used again.
addresses=$(ulimit -Sv)
ulimit -Sv 60000000
late rounds 'result right'
late rounds '!FAIL'
ulimit -Sv "$addresses"

# Memory that streams allocate and free.
late free_waits 'wait: cudaSuccess'
late free_waits 'USE AFTER FREE.*freed by cudaFree called at' PTXI_STREAMS=latest
late pool_use_before 'used without an order after its allocation: .* by kernel set.*stream 2.; it is that of allocation #[0-9]+ .cudaMallocAsync called at .*stream 1'
late pool_free_before_use 'USE AFTER FREE.*freed by free #[0-9]+ .cudaFreeAsync called at .*stream 1.*kernel set.*#[0-9]+ .*stream 2'
late pool_free_unordered 'freed without an order after its use: .*cudaFreeAsync called at .*stream 1.*used by kernel set.*stream 2'
late pool_use_after 'USE AFTER FREE.*freed by free #[0-9]+ .cudaFreeAsync called at'
late pool_copy_after 'USE AFTER FREE.*freed by free #[0-9]+ .cudaFreeAsync called at .*copy #[0-9]+ .cudaMemcpyAsync called at'
late pool_copy_after 'wait: cudaErrorIllegalAddress'
for mode in now late; do
  outcome streams free_async_twice 'cudaFreeAsync called at .* of .*USE AFTER FREE' PTXI_STREAMS=$mode
  outcome streams free_async_inside 'cudaFreeAsync called at .* of .*offset 4 of device' PTXI_STREAMS=$mode
  outcome streams free_async_pinned 'cudaFreeAsync called at .* of .*offset 0 of pinned' PTXI_STREAMS=$mode
done
late free_async_twice 'cudaFreeAsync called at .* of memory that a stream frees'
for case in free_async_twice free_async_inside free_async_pinned free_host; do late $case '!FAIL'; done
late pool_free_by_host 'USE AFTER FREE.*freed by cudaFree called at .*kernel set.*#[0-9]+ .*called at'

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
legal() { # environment settings
  local name
  for name in $(grep -ohE 'is\("ok_[a-z_]+' tests/streams/*.h | cut -d'"' -f2 | sort -u); do
    outcome streams "$name" '!WARNING|ERROR|FAIL|wrong' PTXI_STREAMS=late PTXI_INIT=1 PTXI_RACE=1 PTXI_MEM=100 "$@"
  done
}
legal PTXI_ORDER=0
legal PTXI_STREAMS=latest
for seed in 1 2 3; do legal PTXI_ORDER=2 PTXI_SEED=$seed; done
