# Compares the counters of kernels, and of source lines, with expected_counters.txt; and that the lines of a kernel add up
# to the kernel.
# Usage: awk -f check_counters.awk expected_counters.txt counters.cu counters.json
FNR == 1 { ++file }
file == 1 {
  if ($0 !~ /^#/ && NF == 3) expected[$1 " " $2] = $3
  next
}
file == 2 {
  if (match($0, /\/\/ @[a-z_]+$/)) mark[FNR] = substr($0, RSTART + 4)
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
# The line as expected_counters.txt calls it; its places are taken out of `rest`.
function line_name(    name) {
  name = kernel
  while (match(rest, /"file": "[^"]*", "line": [0-9]+/)) {
    split(substr(rest, RSTART, RLENGTH), part, /": "?|", "/)
    name = name "@" (part[2] ~ /counters\.cu$/ ? mark[part[4]] : "elsewhere")
    rest = substr(rest, 1, RSTART - 1) substr(rest, RSTART + RLENGTH)
    if (!part[4]) nowhere = nowhere " " kernel
  }
  sub(/"inlined_at": \{\},/, "", rest)
  return name
}
{
  prefix = ""
  rest = $0
  name = kernel
  if (in_line = rest ~ /^ *\{"file": /) name = line_name()
  while (match(rest, /"[a-z0-9_]+": ([0-9]+|\{)|\}/)) {
    split(substr(rest, RSTART, RLENGTH), part, /[": ]+/)
    rest = substr(rest, RSTART + RLENGTH)
    if (part[1] == "}") {
      prefix = ""
    } else if (part[3] == "{") {
      prefix = part[2] "."
    } else {
      value[name " " prefix part[2]] += part[3]
      if (in_line) sum[kernel " " prefix part[2]] += part[3]
    }
  }
}
function check(key, got, want) {
  if (got == want && got != "") {
    ++passed
    return
  }
  print "FAIL counter " key ": " got ", expected " want
  ++failed
}
END {
  for (key in expected) check(key, value[key], expected[key])
  for (key in sum) check(key " of all lines", sum[key], value[key])
  check("of lines without a place:", nowhere " none", " none")
  print passed + 0 " passed, " failed + 0 " failed"
  exit failed > 0 || passed == 0
}
