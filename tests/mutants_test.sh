#!/usr/bin/env bash
# scripts/mutants/synchronisations.py with kernels of a few lines, on the interpreter. Ends with the line
# "N passed, N failed". NVCC: the compiler, else one that scripts/cuda_home.sh finds.
set -u
command -v python3 >/dev/null || { echo "0 passed, 0 failed" && exit; }
cd "$(dirname "$0")/.." || exit 1
nvcc=${NVCC:-$(scripts/cuda_home.sh | cut -d' ' -f2)}
source tests/expect.bash
mkdir -p "$root"/{kernels,scripts,tests/mutants,tests/ptxi}
cp -r scripts/{mutants,run} "$root/scripts"
ln -s "$PWD/tests/ptxi/build" "$root/tests/ptxi"
cd "$root" || exit 1
list=tests/mutants/equivalent.txt
: >$list

cat >kernels/tiny.cu <<'E2'
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
__global__ void reverse(int* x) {
  __shared__ int s[64];
  s[threadIdx.x] = x[threadIdx.x];
  __syncthreads();  // 8: needed
  x[threadIdx.x] = s[63 - threadIdx.x];
  __syncthreads();  // 10: nobody needs it
}
__global__ void in_order(int* x) {
  if (threadIdx.x == 0) atomicExch(x, 1);
  __syncthreads();  // 14: a result depends on it, but where the first warp goes first
  if (threadIdx.x == 32) atomicExch(x, 2);
}
__global__ void unused() { __syncthreads(); }  // 17
__global__ void in_order_too(int* x) {
  if (threadIdx.x == 0) atomicExch(x, 1);
  __syncthreads();  // 20: only the other program looks at what comes of it
  if (threadIdx.x == 32) atomicExch(x, 2);
}
__global__ void in_order_by_hand(int* x) {
  if (threadIdx.x == 0) atomicExch(x, 1);
  __syncthreads();  // 25: no case runs it, but a test beside them
  if (threadIdx.x == 32) atomicExch(x, 2);
}
__global__ void without_barriers(int* x) { x[threadIdx.x] = 3; }
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <csignal>
#include <doctest/doctest.h>
#include <unistd.h>
// One program of three names, each with its own tests.
bool is(const char* name) { return !strcmp(program_invocation_short_name, name); }
void run(void (*kernel)(int*), int expected) {
  if (getenv("SLOW")) sleep(atoi(getenv("SLOW")));
  int x[64], *on_device;
  for (int i = 0; i < 64; ++i) x[i] = i;
  cudaMalloc(&on_device, sizeof x);
  cudaMemcpy(on_device, x, sizeof x, cudaMemcpyHostToDevice);
  kernel<<<1, 64>>>(on_device);
  cudaMemcpy(x, on_device, sizeof x, cudaMemcpyDeviceToHost);
  if (getenv("PTXI_MUTATE") && strstr(getenv("PTXI_MUTATE"), ":14")) {
    if (getenv("SIGNAL")) raise(atoi(getenv("SIGNAL")));
    if (getenv("FAULT")) *(volatile int*)nullptr = 0;
    if (getenv("STATUS")) exit(atoi(getenv("STATUS")));
  }
  if ((expected && x[0] != expected) || getenv("BROKEN")) exit(1);
}
void run_case(void (*kernel)(int*), const char* name, int expected = 0) {
  if (getenv("CASE") && strcmp(getenv("CASE"), name)) return;
  if (getenv("LIST")) return (void)printf("%s: %s\n", program_invocation_short_name, name);
  if (kernel) run(kernel, expected);
}
TEST_CASE("tiny" * doctest::skip(!is("tiny"))) {
  run_case(nullptr, "empty");
  run_case(reverse, "reversed", 63);
  run_case(in_order, "in order", 2);
  run_case(in_order_too, "unseen");
}
TEST_CASE("tiny, by hand, in order" * doctest::skip(!is("tiny"))) { run(in_order_by_hand, 2); }
TEST_CASE("tiny refuses nothing" * doctest::skip(!is("tiny"))) {}
TEST_CASE("other" * doctest::skip(!is("other"))) { run_case(in_order_too, "in order too", 2); }
TEST_CASE("plain" * doctest::skip(!is("plain"))) { run_case(without_barriers, "plain", 3); }
E2
"$nvcc" -cudart shared -cudadevrt none -Ltests/ptxi/build -lineinfo -gencode arch=compute_80,code=compute_80 kernels/tiny.cu -o tiny || exit 1
ln tiny other && ln tiny plain

run() { # settings
  env "$@" python3 scripts/mutants/synchronisations.py "$root"/{other,plain,tiny} >output 2>&1
  status=$?
}
unset OP MUTANTS SEED SCHEDULES TABLE
says() { grep -qE -- "^$1" output; }
ends_with() { [ "$status" -eq "$1" ] && [ "$(tail -1 output)" = "$2" ]; }

run TABLE=table.md
expect 'all of them' ends_with 1 '4 noticed, 0 equivalent, 2 not noticed'
expect 'a report' says 'noticed +barrier@kernels/tiny.cu:8 +tiny, reversed: read of uninitialised shared memory$'
expect 'a wrong result' says 'noticed +barrier@kernels/tiny.cu:14 +tiny, in order: a wrong result$'
expect 'what a test beside the cases notices' says 'noticed +barrier@kernels/tiny.cu:25 +tiny, tiny, by hand, in order: a wrong result$'
expect 'what nobody notices' says 'NOT NOTICED barrier@kernels/tiny.cu:10$'
expect 'what no case runs' says 'NO CASE RUNS IT barrier@kernels/tiny.cu:17$'
expect 'a table' grep -qE '^\| barrier kernels/tiny.cu:14 \| tiny \| in order \| [a-z0-9/-]+ \| a wrong result \|$' table.md
expect 'a page names its command' grep -qF '`make mutants TABLE=table.md` wrote' table.md
expect 'in the order of lines' test "$(grep -oE 'tiny.cu:[0-9]+' table.md | tr '\n' ' ')" = 'tiny.cu:8 tiny.cu:10 tiny.cu:14 tiny.cu:17 tiny.cu:20 tiny.cu:25 '
run OP=tiny
expect 'what the cases run' ends_with 1 '4 noticed, 0 equivalent, 1 not noticed'
expect 'what the cases of another op notice' says 'noticed +barrier@kernels/tiny.cu:20 +other, in order too: a wrong result$'
run OP=other
expect 'what few cases run' ends_with 0 '1 noticed, 0 equivalent, 0 not noticed'
run OP=plain
expect 'nothing to take away' ends_with 1 'mutants: the kernels that the cases of plain use have no synchronisation'
run OP=tiny SCHEDULES='forward/late forward/early'
expect 'schedules that show nothing' ends_with 1 '1 noticed, 0 equivalent, 4 not noticed'
run OP=tiny SCHEDULES='forward/late reversed/early' TABLE=table.md
expect 'one that does' grep -qF '| in order | reversed/early | a wrong result |' table.md
run SCHEDULES='forward/late backward/late'
expect 'no schedule' ends_with 2 "SCHEDULE: 'backward/late' is none; forward/late reversed/early random-17/late are"

# Those that nobody notices are to be explained; no others.
printf '# a comment\nbarrier@kernels/tiny.cu:10 because\n' >$list
run OP=tiny TABLE=table.md
expect 'explained ones' ends_with 0 '4 noticed, 1 equivalent, 0 not noticed'
expect 'an explained one' says 'equivalent barrier@kernels/tiny.cu:10$'
expect 'a reason' grep -qF '| barrier kernels/tiny.cu:10 | equivalent | | | because |' table.md
for seed in 1 4; do
  first=$(for line in 8 14 20 25; do echo "$(sha1sum <<<"$seed barrier@kernels/tiny.cu:$line") $line"; done | sort | sed -n '1s/.* //p')
  run OP=tiny MUTANTS=1 SEED=$seed
  expect "a sample, seed $seed" says "noticed +barrier@kernels/tiny.cu:$first "
  expect 'of one' ends_with 0 '1 noticed, 0 equivalent, 0 not noticed'
done
echo 'barrier@kernels/tiny.cu:8 because' >>$list
run OP=tiny
expect 'what is noticed needs no reason' says 'NOTICED, BUT LISTED AS EQUIVALENT barrier@kernels/tiny.cu:8 '
expect 'and is wrong' ends_with 1 '3 noticed, 1 equivalent, 1 not noticed'
printf 'barrier@kernels/tiny.cu:%s because\n' 9 10 17 >$list
run MUTANTS=4
expect 'what is not there' says 'NOWHERE, BUT LISTED AS EQUIVALENT: barrier@kernels/tiny.cu:9$'
expect 'and is wrong' ends_with 1 '4 noticed, 0 equivalent, 0 not noticed'
run SEED=../3
expect 'no seed' ends_with 1 "SEED: '../3' is not of letters and digits alone"
run TABLE=nowhere/table.md
expect 'no place for a table' ends_with 1 "TABLE: 'nowhere/table.md' cannot be written: No such file or directory"

run OP=tiny BROKEN=1
expect 'cases that fail anyway' ends_with 1 '0 noticed, 0 equivalent, 5 not noticed'
expect 'how' says 'FAILS WITHOUT IT TOO barrier@kernels/tiny.cu:14 +tiny, in order: '

# What ends a program from outside is no verdict, and what keeps it from running neither.
for setting in SIGNAL=9:Killed SIGNAL=15:Terminated STATUS=2:'status 2' STATUS=126:'status 126' STATUS=127:'status 127'; do
  run OP=tiny "${setting%:*}"
  expect "$setting" ends_with 1 "$(tail -1 output | grep -E "^mutants: tiny was (ended from outside|not run): ${setting#*:}; no verdict on barrier@kernels/tiny.cu:14$")"
done
for setting in SIGNAL=6 FAULT=1; do
  run OP=tiny $setting
  expect "$setting" says 'noticed +barrier@kernels/tiny.cu:14 +tiny, in order: a crash$'
done
run PTXI_RAEC=1
expect 'what the programs refuse' says '.*PTXI_RAEC'
expect 'ends it' says 'mutants: (other|plain|tiny) was not run: status 2$'
expect 'as a failure' test $status -eq 1
run OP=tiny
expect 'what is looked at' says 'looking for synchronisations in 3 case programs$'
expect 'what is run first' says 'running 6 tests as they are$'
expect 'what has been run' says ' *tiny: 6 tests, [0-9]+ s$'

# A program of another folder, alone and beside one of this folder.
mkdir -p moved/kernels && cp -r scripts tests moved
echo '__global__ void here() { __syncthreads(); } int main() {}' >moved/kernels/here.cu
(cd moved && "$nvcc" -cudart shared -cudadevrt none -Ltests/ptxi/build -lineinfo -gencode arch=compute_80,code=compute_80 kernels/here.cu -o here) || exit 1
for programs in "$root/tiny" "$root/moved/here $root/tiny"; do
  (cd moved && python3 scripts/mutants/synchronisations.py $programs) >output 2>&1
  status=$?
  expect 'compiled elsewhere' says "mutants: tiny has $root/kernels/tiny.cu:[0-9]+, which is not of kernels/ here. .*\`make clean\`"
  expect 'is refused' test $status -eq 1
done

# What never ends; it has 20 seconds of the processor, and ten times what is usual: 1 second.
echo 'while :; do :; done' >endless && chmod +x endless
PYTHONPATH=scripts/mutants python3 -c 'import cases
status, output, _ = cases.run("./endless", usual=-1.9)
print(cases.what_noticed(status, output))' >output 2>&1
status=$?
expect 'no end' ends_with 0 'no end'

SLOW=60 python3 scripts/mutants/synchronisations.py "$root/tiny" >output 2>&1 &
for _ in {1..100}; do pgrep -f "^$root/tiny" >log && break || sleep 0.1; done
SECONDS=0
kill $!
wait $!
status=$?
expect 'Ctrl-C' ends_with 130 stopped
expect 'at once' test $SECONDS -lt 30
expect 'nothing is left' test -z "$(pgrep -f "$root/tiny")"

conclude
