# The two result files. Each part has its text and its JSON rows in files of its own below $work; `save` joins them.
work=$(mktemp -d)
end_children() {
  local child
  for child in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do end_children "$child" && kill "$child" 2>/dev/null; done
  return 0
}
trap 'end_children $BASHPID; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
failed=0 part_failed=0

quoted() { # text as a JSON string
  local text=${1//\\/\\\\}
  text=${text//\"/\\\"}
  text=${text//$'\n'/\\n}
  printf '"%s"' "${text//[[:cntrl:]]/ }"
}
say() { # a line of the part's text, which is shown too
  flock "$work/lock" tee -a "$work/$part.md" <<<"$*"
}
row() { # a row of the part's JSON
  flock "$work/lock" sh -c 'printf "%s\n" "$1" >>"$2"' - "$1" "$work/$part.rows"
}
fail() { # what went wrong; the other parts go on
  echo "$part" >>"$work/failed"
  say "**FAILED**: $*"
}
lack() { # what is missing, and what is therefore left out
  say "$*"
  row "{\"left_out\": $(quoted "$*")}"
}

begin_part() {
  part=$1 part_end=$((SECONDS + PART_SECONDS)) part_start=$SECONDS
  : >"$work/$part.md" >"$work/$part.rows"
  [ -z "$OP" ] || { say "Of the op $OP alone." && say ""; }
}
end_part() {
  say ""
  say "$((SECONDS - part_start)) s."
  save
  ! grep -qx "$part" "$work/failed" 2>/dev/null || failed=1
}
remaining() { echo $((part_end - SECONDS)); }
# Runs a command for at most so many seconds, and no longer than the part; exit status 124: it was ended.
limited() {
  local seconds=$1 left
  shift
  left=$(remaining)
  timeout -k 5 $((left < seconds ? (left < 1 ? 1 : left) : seconds)) "$@"
}
# each FUNCTION ITEM...: calls it for every item, JOBS at a time, until the part's time is over.
each() {
  local run=$1 item late=()
  shift
  for item; do
    while [ "$(jobs -rp | wc -l)" -ge "$JOBS" ]; do wait -n; done
    if [ "$(remaining)" -lt 5 ]; then late+=("$item"); continue; fi
    "$run" "$item" &
    save
  done
  wait
  [ ${#late[@]} -eq 0 ] || { say "" && lack "No time was left for: ${late[*]}"; }
}

save() { # both files, as far as they are known
  local p separator
  {
    printf '# %s, %s\n\n' "$chip" "$date"
    cat "$work/machine.md"
    for p in $all_parts; do
      [ ! -s "$work/$p.md" ] || { printf '\n## %s\n\n' "$p" && cat "$work/$p.md"; }
    done
  } >"$work/result.md"
  # One line for each part, by which a later run knows it.
  {
    printf '{"machine": %s' "$(cat "$work/machine.json")"
    for p in $all_parts; do
      [ -e "$work/$p.rows" ] || continue
      printf ',\n"%s": [' "$p"
      separator=
      while IFS= read -r line; do
        printf '%s%s' "$separator" "$line"
        separator=', '
      done <"$work/$p.rows"
      printf ']'
    done
    printf '}\n'
  } >"$work/result.json"
  mv "$work/result.md" "$result.md"
  mv "$work/result.json" "$result.json"
}

# What earlier runs of this day found in other parts.
restore() {
  local p
  for p in $all_parts; do
    [[ " $PART " != *" $p "* ]] || continue
    [ ! -e "$result.md" ] || awk -v p="## $p" '/^## (tests|sanitizer|bench|torch)$/ { on = $0 == p; getline; next } on' "$result.md" | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' >"$work/$p.md"
    [ ! -e "$result.json" ] || sed -nE "s/^\"$p\": \[(.*)\][,}]\$/\1/p" "$result.json" | sed 's/}, {/}\n{/g' >"$work/$p.rows"
    [ -s "$work/$p.rows" ] || rm -f "$work/$p.rows"
  done
}
