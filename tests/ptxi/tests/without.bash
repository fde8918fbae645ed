# Programs without one of their synchronisations. Part of run.sh.
# Mutants: the list of them names every line once, with the place of the call where it is inlined.
at() { echo "tests/mutants.cu:$(grep -nF -- "// $1" tests/mutants.cu | cut -d: -f1)"; } # the comment there
needed=$(at "needed: the other warp's") superfluous=$(at superfluous) twice=$(at 'inlined twice')
here=$(at 'needed here') not_here=$(at 'not here') lanes=$(at "needed: the other lanes'")
commit=tests/mutants.cu:$(grep -n '"cp.async.commit' tests/mutants.cu | cut -d: -f1)
wait=tests/mutants.cu:$(grep -n '"cp.async.wait' tests/mutants.cu | cut -d: -f1)
sort >"$tests/mutants.expected" <<LIST
barrier@$needed reversed
barrier@$superfluous own
barrier@$twice@$here inlined
barrier@$twice@$not_here inlined
barrier@$(at 'a vote') voted
mask@$(at 'of a warp') summed
syncwarp@$lanes within_warps
mask@$lanes within_warps
commit@$commit@$(at first) copied
commit@$commit@$(at second) copied
wait@$wait@$(at 'for the first') copied
wait@$wait@$(at 'for the second') copied
fence@$(at 'passes on') last_block
fence@$(at 'the last block sees') last_block
barrier@$(at 'for last') last_block
LIST
PTXI_MUTATE=list "$tests/mutants" 2>"$tests/mutants.list" >"$log"
sed -n 's/^\[ptxi\] mutant [0-9]* //p' "$tests/mutants.list" | sort >"$tests/mutants.found"
if diff "$tests/mutants.expected" "$tests/mutants.found" >"$log"; then pass; else fail "PTXI_MUTATE=list"; fi
PTXI_MUTATE=used "$tests/mutants" last_block 2>"$tests/mutants.used" >"$log"
if diff <(grep ' last_block$' "$tests/mutants.expected") <(sed -n 's/^\[ptxi\] mutant [0-9]* //p' "$tests/mutants.used" | sort) >"$log"; then
  pass
else
  fail "PTXI_MUTATE=used"
fi
# Without one of them, a kernel is reported or wrong, or right and silent.
mutant() { # kernel, mutant, "noticed" or "right"
  local found=unused
  env PTXI_MUTATE="$2" PTXI_SHARED=2 PTXI_RACE=1 timeout 60 "$tests/mutants" "$1" >"$log" 2>&1
  if ! grep -qx right "$log" || grep -qE 'WARNING|ERROR' "$log"; then
    found=noticed
  elif ! grep -q 'no kernel' "$log"; then
    found=right
  fi
  if [ $found = "$3" ]; then pass; else fail "$1 without $2 is not $3"; fi
}
for kernel in reversed reversed_int own inlined voted summed within_warps copied last_block; do mutant $kernel '' right; done
while read -r name kernel; do
  case $name in
    *"$superfluous" | *"$not_here") mutant "$kernel" "$name" right ;;
    *) mutant "$kernel" "$name" noticed ;;
  esac
done <"$tests/mutants.expected"
mutant reversed_int "barrier@$needed" noticed
# Of all places of a call at once; by number; and what no kernel has.
mutant inlined "barrier@$twice" noticed
mutant own "$(awk -v name="barrier@$superfluous" '$4 == name { print $3 }' "$tests/mutants.list")" right
mutant reversed "$(awk -v name="barrier@$needed" '$4 == name { print $3 }' "$tests/mutants.list")" noticed
PTXI_MUTATE=barrier@$needed "$tests/mutants" own >"$log" 2>&1
if grep -q "no kernel that was used has the synchronisation barrier@$needed" "$log"; then pass; else fail "a mutant of no kernel used"; fi

# The pipelined kernels with a synchronisation left out: found by the checks, and with those off
# by a wrong result under one of the two cp.async modes or a schedule.
for bug in wait sync reuse; do
  "$tests/bug_$bug" >"$log" 2>&1
  if grep -q WARNING "$log"; then pass; else fail "bug_$bug is not reported"; fi
  found=0
  for setting in PTXI_CPASYNC=late PTXI_CPASYNC=early PTXI_ORDER=2; do
    env PTXI_SHARED=0 $setting "$tests/bug_$bug" >"$log" 2>&1 || found=1
  done
  if [ $found -eq 1 ]; then pass; else fail "bug_$bug changes no result"; fi
done
