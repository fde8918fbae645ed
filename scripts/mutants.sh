#!/usr/bin/env bash
# Takes the synchronisations of kernels/ away, one at a time (PTXI_MUTATE, tests/ptxi/README.md), and runs the cases of
# the ops that use it until one notices: the interpreter reports something, or a result is wrong.
#   scripts/mutants.sh tests/cases/PROGRAM...
# MUTANTS=20: so many of them, chosen by SEED. TABLE=file: all that was found, as a table.
# tests/mutants/equivalent.txt lists those that cannot be noticed, each with the reason. Fails if another is not, or if
# one of those is. Ends with the line "N noticed, N equivalent, N not noticed".
set -u
cd "$(dirname "$0")/.." || exit 1
list=tests/mutants/equivalent.txt
export OP=${OP:-}
# For the cases, SEED would mean other numbers.
drawn_by=${SEED:-1}
unset SEED

# As in scripts/test_schedules.sh. In a random order warps go on in the midst of others, so it comes first; what is left meets
# the others too.
schedules=(${SCHEDULES:-random-1/late forward/late reversed/early random-2/early})

# One case of a program, or all, under one schedule; the first report makes the case fail, and that ends it. No block of
# the cases comes near so many steps. Seconds are the processor's: the machine may be busy with other things.
run() { # program, case, schedule, environment settings
  local program=$1 case=$2 order=0
  case $3 in
    reversed/*) order=1 ;;
    random-*/*) order=2 ;;
  esac
  env DEVICE=cuda PTXI_ORDER=$order PTXI_SEED="${3//[!0-9]/}" PTXI_CPASYNC="${3#*/}" PTXI_STRICT=1 PTXI_MAX_STEPS=100000000 \
    OMP_WAIT_POLICY=passive ${case:+CASE="$case"} "${@:4}" bash -c 'ulimit -t 600 && exec scripts/run "$0" --no-intro' "$program" 2>&1
}

# What can be taken away of the kernels that a case uses: to $CASES a line for each, with the case's seconds.
survey() { # program, case
  local output TIMEFORMAT='seconds %U'
  output=$({ time run "$1" "$2" forward/late PTXI_MUTATE=used; } 2>&1)
  awk -v program="$1" -v name="$2" '
    /^seconds / { seconds = $2 }
    /^\[ptxi\] mutant / && $4 ~ /@kernels\// { mutants[$4] }
    END { for (mutant in mutants) print mutant "\t" seconds "\t" program "\t" name }' <<<"$output" >>"$CASES"
}

# In a few words, from what a failed program printed.
what_noticed() { # its exit status
  awk -v status="$1" '/^\[ptxi\] (WARNING|ERROR) / {
    sub(/^[^ ]* [^ ]* /, ""); sub(/ \|.*/, ""); sub(/ (by (lane|warp)|of|at|offset) [0-9].*/, ""); sub(/,.*/, "")
    print; found = 1; exit
  }
  END { if (!found) print status == 152 ? "no end" : "a wrong result" }'
}

# One mutant: to $RESULTS noticed, equivalent, or what is wrong; the mutant, op, case, schedule, what noticed it.
# The quickest case comes first.
test_mutant() { # mutant
  local mutant=$1 found=unused equivalent='' how='' program='' case='' schedule output status
  grep -qF "$mutant " "$list" && equivalent=1
  for schedule in "${schedules[@]}"; do
    while IFS=$'\t' read -r program case; do
      found='NOT NOTICED'
      output=$(run "$program" "$case" "$schedule" PTXI_MUTATE="$mutant" </dev/null)
      status=$?
      [ $status -ne 0 ] || continue
      how=$(what_noticed $status <<<"$output")
      found=noticed
      [ -z "$equivalent" ] || found='NOTICED, BUT LISTED AS EQUIVALENT'
      # It is the mutant that was noticed if the case passes as it is. 137: killed from outside, for want of memory.
      run "$program" "$case" "$schedule" >/dev/null </dev/null && [ $status -ne 137 ] || found='FAILS WITHOUT IT TOO'
      break 2
    done < <(awk -F'\t' -v mutant="$mutant" '$1 == mutant { print $3 "\t" $4 }' "$CASES")
  done
  [ "$found" != 'NOT NOTICED' ] || [ -z "$equivalent" ] || found=equivalent
  [ "$found" != unused ] || found='NO CASE RUNS IT'
  printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$found" "$mutant" "${how:+${program##*/}}" "${how:+$case}" "${how:+$schedule}" "$how" >>"$RESULTS"
  printf '%-10s %-68s %s\n' "$found" "$mutant" "${how:+${program##*/}, $case: $how}"
}
case $1 in
  --one) test_mutant "$2" && exit ;;
  --survey) survey "${2%%$'\t'*}" "${2#*$'\t'}" && exit ;;
esac

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export RESULTS=$folder/results CASES=$folder/cases
touch "$CASES" "$RESULTS"

# What can be taken away: loading the programs is enough.
for program in "$@"; do
  DEVICE=cuda PTXI_MUTATE=list scripts/run "$program" --list-test-cases 2>&1 |
    awk '/^\[ptxi\] mutant / && $4 ~ /@kernels\// { print $4 }'
done | sort -Vu >"$folder/all"
[ -s "$folder/all" ] || { echo "mutants: nothing of kernels/ can be taken away in $*" >&2 && exit 1; }

# What the cases run. A program may hold kernels that only other ops use.
for program in "$@"; do
  DEVICE=cuda LIST=1 scripts/run "$program" --no-intro 2>/dev/null | sed -n "s,^${program##*/}: ,$program\t,p"
done | tr '\n' '\0' | xargs -0 -n 1 -P "$(nproc)" "$0" --survey
sort -t$'\t' -k2,2n "$CASES" -o "$CASES"
if [ -n "$OP" ]; then grep -xFf <(cut -f1 "$CASES") "$folder/all"; else cat "$folder/all"; fi >"$folder/concerned"

# A sample is drawn by a hash, from those that can be noticed.
if [ -n "${MUTANTS:-}" ]; then
  awk 'NR == FNR { listed[$1]; next } !($1 in listed)' "$list" "$folder/concerned" | while read -r mutant; do
    echo "$(sha1sum <<<"$drawn_by $mutant" | cut -c1-16) $mutant"
  done | sort | head -n "$MUTANTS" | cut -d' ' -f2
else
  cat "$folder/concerned"
fi >"$folder/chosen"

tr '\n' '\0' <"$folder/chosen" | xargs -0 -n 1 -P "$(nproc)" "$0" --one

# Lines move: a list that names what is not there is out of date.
stale=
[ -n "$OP" ] || stale=$(awk '!/^#/ { print $1 }' "$list" | grep -vxFf "$folder/all")
[ -z "$stale" ] || printf 'NOWHERE, BUT LISTED AS EQUIVALENT: %s\n' $stale

[ -z "${TABLE:-}" ] || sort -V -t$'\t' -k2 "$RESULTS" | awk -F'\t' -f scripts/mutants_table.awk "$list" - >"$TABLE"
awk -F'\t' -v stale="${stale:+1}" '
  { count[$1 ~ /^(noticed|equivalent)$/ ? $1 : "wrong"]++ }
  END {
    printf "%d noticed, %d equivalent, %d not noticed\n", count["noticed"], count["equivalent"], count["wrong"]
    exit count["wrong"] > 0 || stale || count["noticed"] == 0
  }' "$RESULTS"
