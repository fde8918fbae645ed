# Counters, and the tables of them. Part of run.sh.
# Counters: against values derived by hand, of a part of the launches, and the same for any schedule.
if PTXI_COUNTERS=$tests/counters.json "$tests/counters" >"$log" &&
  awk -f tests/check_counters.awk tests/expected_counters.txt tests/counters.cu "$tests/counters.json" >"$log"; then
  pass
else
  fail counters
fi
# The sectors of a launch, by allocation.
if awk -F '[:,]' '/"global_(ld|st)_sectors"/ { whole += $2 }
  /"allocations": \[\{/ { while (match($0, /(ld|st)_sectors": [0-9]+/)) { parts += substr($0, RSTART + 13, RLENGTH - 13); $0 = substr($0, RSTART + RLENGTH) } }
  /"launches": \[/ { whole = 0 } END { exit !(parts > 0 && parts == whole) }' "$tests/counters.json"; then
  pass
else
  fail "counters by allocation"
fi
# Lines within the toolkit's headers have the own line that they were called from.
if grep -q '"file": "[^"]*/include/[^}]*"inlined_at"' "$tests/counters.json" &&
  ! grep -q '"inlined_at": {"file": "[^"]*/include/' "$tests/counters.json"; then
  pass
else
  fail "calls from one header of the toolkit to another"
fi
for streams in now late; do
  PTXI_STREAMS=$streams PTXI_COUNTERS=$tests/range.json PTXI_COUNTERS_RANGE=1 "$tests/counters" >"$log"
  if [ "$(grep -oE '"(signature|index|range)": [^(,]*' "$tests/range.json" | tr -d '"' | xargs)" = 'signature: lines index: 22 range: 1 index: 23 range: 2' ]; then
    pass
  else
    fail "counters of a range, PTXI_STREAMS=$streams"
  fi
done
PTXI_COUNTERS=$tests/first.json PTXI_THREADS=1 "$tests/kernels" >"$log"
PTXI_COUNTERS=$tests/second.json PTXI_THREADS=2 PTXI_FAST=0 PTXI_ORDER=1 "$tests/kernels" >"$log"
sed -i 's/"base": [0-9]*/"base": 0/g' "$tests/first.json" "$tests/second.json"
if cmp "$tests/first.json" "$tests/second.json" >"$log" 2>&1; then pass; else fail "counters under two schedules"; fi

# The tables of these counters: a kernel and lines of it, as derived by hand; and what is no such file.
table() { # pattern, arguments
  local pattern=$1
  shift
  "$build/counters_table" "$@" >"$log" 2>&1
  if grep -qE "^$pattern\$" "$log"; then pass; else fail "counters_table $*: no line $pattern"; fi
}
json=$tests/counters.json
table ' +1 +2 +[0-9]+ +32.00 +3.07k +1.54k +6.00 +4.00 +24 +12 +6 +0 +0 +0  lines' --kernel lines "$json"
table ' +[0-9.]+ +0 +- +12 +6 +0  tests/counters.cu:[0-9]+ +s\[2 \* t\] = v;.*' --kernel lines "$json"
table ' +in tests/counters.cu:[0-9]+ +v \+= twice\(x, 2 \* t\);.*' --kernel lines "$json"
table ' +and 7 more lines: [0-9.]+ % of the instructions' --kernel lines --lines 2 "$json"
table ' +[0-9]+ .* transpose<1>' --kernels 100 "$json"
table '1\. transpose<0> in tests/counters.cu:[0-9]+' --kernel transpose "$json"
table "counters_table: '.*' has no launch of a kernel whose name contains 'none'" --kernel none "$json"
table "counters_table: 'README.md' is no file of counters: .*" README.md
table "counters_table: cannot read 'nowhere'" nowhere
