# Prints what scripts/mutants.sh found as a table: the list of equivalents, then the lines of the results, sorted.
NR == FNR {
  if ($0 ~ /^[^#]/) { at = index($0, " "); reason[substr($0, 1, at - 1)] = substr($0, at + 1) }
  next
}
FNR == 1 {
  "date +%F" | getline date
  print "# Kernels without one of their synchronisations, " date "\n"
  print "`make mutants TABLE=tests/mutants/results.md` wrote this page. A line is a synchronisation of [kernels](../../kernels) that was taken away (of a mask, its highest lane), with the place of the call where it is inlined;"
  print "then the op and the case that noticed it first, the order of blocks and warps and of asynchronous copies (as `make test-schedules` names them), and the report of [ptxi](../ptxi/README.md). The other cases and ops that use it were not asked.\n"
  print "| without | noticed by | case | schedule | as |\n|---|---|---|---|---|"
}
{
  sub(/@/, " ", $2); sub(/@/, ", called at ", $2)
  print "| " $2 " | " ($1 == "noticed" ? $3 " | " $4 " | " $5 " | " $6 : $1 " |  |  | " reason[$2]) " |"
}
