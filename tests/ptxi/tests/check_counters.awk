# Compares the counters of kernels with expected_counters.txt.
# Usage: awk -f check_counters.awk expected_counters.txt counters.json
FNR == NR {
  if ($0 !~ /^#/ && NF == 3) expected[$1 " " $2] = $3
  next
}
/"launches": \[/ { exit }  # what follows is launch by launch
/"signature":/ {
  kernel = $0
  sub(/.*"signature": "(void )?/, "", kernel)
  sub(/\(.*/, "", kernel)
  gsub(/\(bool\)/, "", kernel)
  gsub(/false/, "0", kernel)
  gsub(/true/, "1", kernel)
  next
}
{
  prefix = ""
  rest = $0
  while (match(rest, /"[a-z0-9_]+": ([0-9]+|\{)/)) {
    split(substr(rest, RSTART, RLENGTH), part, /[": ]+/)
    rest = substr(rest, RSTART + RLENGTH)
    if (part[3] == "{")
      prefix = part[2] "."
    else
      value[kernel " " prefix part[2]] = part[3]
  }
}
END {
  for (key in expected) {
    if (value[key] == expected[key] && value[key] != "") {
      passed++
      continue
    }
    print "FAIL counter " key ": " value[key] ", expected " expected[key]
    failed++
  }
  print passed + 0 " passed, " failed + 0 " failed"
  exit failed > 0 || passed == 0
}
