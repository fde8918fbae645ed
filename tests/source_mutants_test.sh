#!/usr/bin/env bash
# scripts/mutants/sources.py with stand-ins for the compiler, the linker and a case program. Ends with the line
# "N passed, N failed".
set -u
command -v python3 >/dev/null || { echo "0 passed, 0 failed" && exit; }
cd "$(dirname "$0")/.." || exit 1
source tests/expect.bash
mkdir -p "$root"/{kernels,scripts,tests/mutants,build/kernels}
cp -r scripts/mutants "$root/scripts"
cd "$root" || exit 1
list=tests/mutants/source_equivalent.txt
: >$list

program() { # path; its body
  { echo '#!/bin/bash' && cat; } >"$1"
  chmod +x "$1"
}
# "Compiles" to the text itself, without comments and what is unused. Names of what is local to a file hold hashes of its
# path, as nvcc's do.
program compile <<'E2'
header=
while [ $# -gt 0 ]; do
  case $1 in
    --keep-dir) keep=$2 ;;
    -c) source=$2 ;;
    -o) object=$2 ;;
    -I) [ -n "$header" ] || [ ! -e "$2/kernels/h.cuh" ] || header=$2/kernels/h.cuh ;;
  esac
  shift
done
ptx=$keep/$(basename "$source" .cu).ptx
! grep -q 'refused(e ||' "$source" || exit 1
[ -z "${COMPILER:-}" ] || ! grep -q 'kept(g < h)' "$source" || eval "$COMPILER"
sed -s 's,//.*,,; /unused/d' "$source" "$header" | tee "$object" >"$ptx"
hash=$(sha1sum <<<"$source")
echo "_ZN45_GLOBAL__N__${hash:0:8}_1_x_cu_${hash:8:8}4name" >>"$ptx"
E2
# A program is the object of kernels, or its own where only that is there. All have x.cu, y has y.cu too.
program link <<'E2'
objects=()
while [ $# -gt 0 ]; do
  case $1 in *[xy].o) objects=("$1" "${objects[@]}") && own=$1 ;; */o) objects+=("$1") ;; -o) to=$2 ;; esac
  shift
done
echo '(library)x.cu.o'
[[ $own != *y.o ]] || echo '(library)y.cu.o'
{ printf '#!/bin/bash\nexec ./case <<"EOF"\n' && cat "${objects[-1]}" && echo EOF; } >"$to" && chmod +x "$to"
E2
program scripts/run <<'E2'
exec "$@"
E2
program case <<'E2'
text=$(</dev/stdin)
[ -z "${SLOW:-}" ] || sleep "$SLOW"
if [[ $text = *'kept(g < h)'* ]]; then
  [ -z "${FAILS:-}" ] || echo "$FAILS"
  [ -z "${STATUS:-}" ] || exit "$STATUS"
  [ -z "${SIGNAL:-}" ] || kill "-$SIGNAL" $$
fi
[[ $text != *'endless(i > j)'* ]] || kill -XCPU $$
[[ $text = *'y[threadIdx.x] = x[a - b]'* ]] ||
  { echo "[ptxi] WARNING out of bounds, offset 4 of 2 | kernel x" && echo "  replay: CASE='short' make test" && exit 1; }
[[ $text = *'n / 2'*'h % 4'* ]] || exit 1
E2
cat >kernels/x.cu <<'E2'
// A comment: 1 + 1.
#define HOST 1 + 1
int host() { return 1 + 1; }
__global__ void __launch_bounds__(1 + 1, 2) x(const float (&x)[4], int n) {
  store<4>("1 + 1", 0xFF, y);
  y[threadIdx.x] = x[a - b];  // 1 + 1
  unused(c == d, e << 2 & f);
  refused(e && f);
  kept(g <= h);
  kept(g <= h);
  endless(i >= j);
}
struct X {
  __device__ explicit X(int n) : first_(n / 2), second_{n} {
    *this = *n - 1.5e-3f;
  }
  __device__ int declared(int n = 1 + 1) const;
  __device__ void operator()(int n) const { to[n] = -max(n, 0.0f); }
  int host = 1 + 1;
};
E2
truncate -s -1 kernels/x.cu  # the last line need not end
echo '__device__ int h(int h) { return h % 4; }' >kernels/h.cuh
echo 'build/kernels/x.cu.o : kernels/x.cu ./kernels/h.cuh' >build/kernels/x.cu.d
cat kernels/{x.cu,h.cuh} >build/x.o
touch build/kernels/x.cu.o
 ./link build/x.o -o build/x >log

run() { # settings
  env "$@" python3 scripts/mutants/sources.py build/x >output 2>&1
  status=$?
}
export BUILD=build COMPILE='./compile -I .' LINK=./link HARNESS= LIBRARIES=
unset OP MUTANTS SEED ONLY TABLE
says() { grep -qE -- "^$1" output; }
silent() { ! grep -qE '^(noticed|explained|same|refused) ' output; }
ends_with() { [ "$status" -eq "$1" ] && [ "$(tail -1 output)" = "$2" ]; }

# What can be changed: nothing that is no code of the device.
cat >expected <<'E2'
*this = *n + 1.5e-3f;
*this = *n - 0.003f;
__device__ explicit X(int n) : first_(n * 2), second_{n} {
__device__ explicit X(int n) : first_(n / 3), second_{n} {
__device__ void operator()(int n) const { to[n] = -max(n, 1.0f); }
__device__ void operator()(int n) const { to[n] = -min(n, 0.0f); }
__device__ void operator()(int n) const { to[n] = max(n, 0.0f); }
endless(i > j);
kept(g < h);
kept(g < h);
refused(e || f);
unused(c != d, e << 2 & f);
unused(c == d, e << 2 | f);
unused(c == d, e << 3 & f);
unused(c == d, e >> 2 & f);
y[threadIdx.x] = x[a + b];  // 1 + 1
y[threadIdx.y] = x[a - b];  // 1 + 1
E2
PYTHONPATH=scripts/mutants python3 -c 'import sites
for m in sites.mutants_of("x", open("kernels/x.cu").read())[0]: print(m.after)' | LC_ALL=C sort >found
status=0
cp found output
expect 'what can be changed' diff expected found

# 12 of them compile to something else, and 2 of the header. Those that nobody notices are to be explained.
run
expect 'all of them' ends_with 1 '5 noticed, 0 explained, 7 survived'
expect 'a report' says 'noticed +kernels/x.cu:6  y\[threadIdx.y\] .* x, short: out of bounds  [0-9]+ s'
expect 'no end' says 'noticed +kernels/x.cu:11 .* x, : no end '
expect 'a wrong result' says 'noticed +kernels/x.cu:14 .* x, : a wrong result '
expect 'what is refused' says 'refused +kernels/x.cu:8 '
expect 'the same code' says 'same +kernels/x.cu:7 '
awk '/^SURVIVED$/ { left = 3; next } left-- > 0 { print } left == 0 { print "because\n" }' output >$list

run TABLE=table.md
expect 'explained ones are tried once' ends_with 0 '5 noticed, 7 explained, 0 survived'
expect 'nothing is tried twice' silent
expect 'a page names its command' grep -qF '`make source-mutants TABLE=table.md` wrote' table.md
expect 'and counts' grep -qF 'Of 12 mistakes that compile to other code, 5 were noticed (41.7 %) and' table.md
expect 'those that could be noticed' grep -qF 'Of those that could be noticed, 100 % were.' table.md
run HEADERS=1
expect 'headers' ends_with 0 '2 noticed, 0 explained, 0 survived'
run HEADERS=0 TABLE=table.md
expect 'none' ends_with 0 '5 noticed, 7 explained, 0 survived'
run HEADERS=yes
expect 'neither' ends_with 1 "HEADERS: 'yes' is neither 0 nor 1"
run HEADERS=1 TABLE=table.md
expect 'nothing to explain' grep -qF 'other code, 2 were noticed (100 %).' table.md
rm -r build/source-mutants/headers-1.tsv
run HEADERS=1
expect 'a header' says 'noticed +kernels/h.cuh:1 .* x, : a wrong result '
run
expect 'headers are kept apart' ends_with 0 '5 noticed, 7 explained, 0 survived'
run SEED=2 MUTANTS=4
expect 'a sample' test "$(grep -cE '^(noticed|explained) ' output)" -eq 4

# A list that names what is not there, or what is noticed, is wrong.
cp $list kept
printf '\nkernels/x.cu\n- kept(g == h);\n+ kept(g != h);\nbecause\n' >>$list
run
expect 'a stale list' ends_with 1 '5 noticed, 7 explained, 0 survived'
expect 'what is stale' says 'NOWHERE: kernels/x.cu$'
printf '\nkernels/x.cu\n- endless(i >= j);\n+ endless(i > j);\nbecause\n' | cat kept - >$list
run
expect 'what is noticed needs no reason' ends_with 1 '4 noticed, 7 explained, 1 survived'
cp kept $list

# What was stopped goes on, and has tried nothing that it knows again; what survived is tried again.
head -2 build/source-mutants/seed-1.tsv >lines && mv lines build/source-mutants/seed-1.tsv
run
expect 'going on' ends_with 0 '5 noticed, 7 explained, 0 survived'
expect 'where it was stopped' test "$(grep -cE '^(noticed|explained|same|refused) ' output)" -eq 15
rm -r build/source-mutants
SLOW=0.5 python3 scripts/mutants/sources.py build/x >output 2>&1 &
for _ in {1..100}; do [ -s build/source-mutants/seed-1.tsv ] && break || sleep 0.1; done
kill $!
wait $!
status=$?
expect 'Ctrl-C' ends_with 130 'stopped; the same SEED goes on from here'
run
expect 'after Ctrl-C' ends_with 0 '5 noticed, 7 explained, 0 survived'

# What ends a program from outside is no verdict, and what keeps it from running neither.
without() { [ "$status" -eq 1 ] && says "source-mutants: $1; no verdict on kernels/x.cu(#2)?: kept\(g < h\);$"; }
nothing_kept() { ! grep -qF 'kept(g < h)' build/source-mutants/seed-1.tsv; }
for setting in SIGNAL=KILL:Killed SIGNAL=TERM:Terminated STATUS=2:'status 2' STATUS=126:'status 126' STATUS=127:'status 127'; do
  rm -f build/source-mutants/*.tsv
  run "${setting%:*}"
  expect "$setting" without "x was (ended from outside|not run): ${setting#*:}"
  expect 'and is not kept' nothing_kept
done
for how in 'kill -KILL $$:Killed' 'exit 127:status 127' \
  "echo \"nvcc error : 'cicc' died due to signal 9 (Kill signal)\"; exit 9:died due to signal 9"; do
  rm -f build/source-mutants/*.tsv
  run COMPILER="${how%:*}"
  expect "the compiler: $how" without "the compiler was (ended from outside|not run): ${how##*:}"
  expect 'and is not kept' nothing_kept
done
for signal in SEGV ABRT; do
  rm -f build/source-mutants/*.tsv
  run SIGNAL=$signal
  expect "SIG$signal" says 'NOTICED, BUT EXPLAINED AWAY kernels/x.cu:9 .* x, : a crash '
  expect 'is a verdict' ends_with 1 '5 noticed, 5 explained, 2 survived'
done
rm -f build/source-mutants/*.tsv
run SIGNAL=SEGV FAILS='a.cpp:3: FATAL ERROR: test case CRASHED: SIGSEGV'
expect 'as the tests say it' says '.* kernels/x.cu:9 .* x, : a crash '
rm -f build/source-mutants/*.tsv
run SIGNAL=SEGV FAILS='a.cpp:2: ERROR: CHECK( a == b ) is NOT correct!'
expect 'after a failing check' says '.* kernels/x.cu:9 .* x, : a wrong result '
rm -f build/source-mutants/*.tsv
run
expect 'without all that' ends_with 0 '5 noticed, 7 explained, 0 survived'

# The programs are measured again where they are new, or run with other settings.
run
expect 'measured times are kept' test -z "$(grep measuring output)"
touch -d '1 second' build/x
run
expect 'of an old program' says 'measuring 1 case program$'
expect 'each as it is done' says ' *x: [0-9.]+ s$'
touch -d '1 minute ago' build/x
run
run
expect 'and kept again' test -z "$(grep measuring output)"
run PTXI_CC=90
expect 'of other settings' says 'measuring 1 case program$'

# Chosen ones.
cp $list kept
run ONLY=kept TABLE=table.md
expect 'of a list' ends_with 0 '0 noticed, 7 explained, 0 survived'
expect 'a table' grep -qF '| kernels/x.cu | `kept(g < h);` | nothing | | because |' table.md

# The files of an op are those of its program, whoever else has them.
echo '__device__ int y(int n) { return n & 1; }' >kernels/y.cu
echo 'build/kernels/y.cu.o : kernels/y.cu' >build/kernels/y.cu.d
touch build/kernels/y.cu.o
cp build/x.o build/y.o
./link build/y.o -o build/y >log
run_both() { # settings
  env "$@" python3 scripts/mutants/sources.py build/{x,y} >output 2>&1
  status=$?
}
run_both OP=x
expect 'files of an op' ends_with 0 '5 noticed, 7 explained, 0 survived'
expect 'and of no other' test -z "$(grep -F kernels/y.cu output)"
run_both OP=y
expect 'files of another' says 'noticed +kernels/y.cu:1 .* y, '
expect 'and what it shares' ends_with 0 '7 noticed, 7 explained, 0 survived'

# What is refused is refused at once.
rm -r build/source-mutants
run MUTANTS=-2
expect 'no number' ends_with 1 "MUTANTS: '-2' is no number of mutants"
run SEED='1 2'
expect 'no seed' ends_with 1 "SEED: '1 2' is not of letters and digits alone"
run TABLE=nowhere/table.md
expect 'no place for a table' ends_with 1 "TABLE: 'nowhere/table.md' cannot be written: No such file or directory"
run ONLY=nowhere
expect 'a list that is not there' ends_with 1 'nowhere: No such file or directory'
printf '# A comment.\n' >empty
run ONLY=empty
expect 'a list of nothing' ends_with 1 'source-mutants: empty lists no mutant'
printf '# A comment.\n\nkernels/x.cu\n- a\n+ b\n\nkernels/x.cu\n- a\n' >malformed
run ONLY=malformed
expect 'a list that is none' ends_with 1 "malformed:7: here should be the name of a file, a line '- ...' and a line '+ ...'"
expect 'and nothing is linked' test ! -e build/source-mutants

conclude
