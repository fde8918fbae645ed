#!/usr/bin/env bash
# Prints the README's table of speeds: the figures of build/speed, medians of several runs under each column's switches.
#   speed/table.sh [runs, default 5]
set -euo pipefail
cd "$(dirname "$0")/.."
build=${BUILD:-build} runs=${1:-5}
columns=(PTXI_SHARED=1 PTXI_SHARED=0 PTXI_INIT=1 PTXI_RACE=1 'PTXI_SHARED=2 PTXI_INIT=1 PTXI_RACE=1')
export LD_LIBRARY_PATH=$build PTXI_THREADS=1
echo "On one core of an $(lscpu | sed -n 's/^Model name: *//p') (model $(lscpu | sed -n 's/^Model: *//p')), built for $(head -1 "$build/cpu"):"
echo
# In turns, so that a machine that is busy for a while disturbs all columns alike.
for ((run = 0; run < runs; run++)); do
  for column in "${!columns[@]}"; do
    env ${columns[column]} "$build/speed" | sed "s/^/$column\t/"
  done
done | awk -F '\t' -v names="$(printf '%s\t' "${columns[@]}")" '
  !seen[$2]++ { rows[++count] = $2 }
  { figures[$2, $1] = figures[$2, $1] " " $3 }
  function median(list, v, n, i, j, t) {
    n = split(list, v, " ")
    for (i = 2; i <= n; i++)
      for (j = i; j > 1 && v[j] + 0 < v[j - 1] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
    return v[int((n + 1) / 2)]
  }
  END {
    columns = split(names, name, "\t") - 1
    printf "| what | default"
    for (c = 2; c <= columns; c++) printf " | `%s`", name[c]
    printf " |\n| --- |"
    for (c = 1; c <= columns; c++) printf " --- |"
    for (r = 1; r <= count; r++) {
      printf "\n| %s |", rows[r]
      for (c = 0; c < columns; c++) printf " %.2g |", median(figures[rows[r], c])
    }
    print ""
  }'
