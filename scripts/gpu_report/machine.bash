# What is under test: the chip, whose name is that of the result, driver, clocks and versions.
devices=$("${under[@]}" "$fer" devices --json 2>/dev/null | tr -d '\n')
chip=$(sed -nE 's/.*"ordinal": 0, *"name": "([^"]*)".*/\1/p' <<<"$devices")
[ -n "$chip" ] || stop "no CUDA device: $("${under[@]}" "$fer" devices 2>&1 | sed -nE 's/^cuda +//p' | head -1)"
date=$(date +%Y-%m-%d)
name=$(tr 'A-Z' 'a-z' <<<"$chip" | sed -E 's/^nvidia //; s/[^a-z0-9]+/-/g; s/-+$//')
mkdir -p "$RESULTS" || stop "$RESULTS cannot be made"
result=$RESULTS/$name-$date
commit=$(cat COMMIT 2>/dev/null || git describe --always --dirty 2>/dev/null || echo unknown)

smi=$(nvidia-smi --query-gpu=driver_version,clocks.max.sm,clocks.max.mem,clocks.sm,clocks.mem,power.limit,temperature.gpu,persistence_mode,ecc.mode.current \
  --format=csv,noheader --id=0 2>/dev/null) || smi=
{
  echo "Commit $commit; $(uname -srm), $cores cores."
  echo
  "${under[@]}" "$fer" devices 2>&1 | sed 's/^/    /'
  echo
  if [ -n "$smi" ]; then
    echo "nvidia-smi (driver; most and present clock of SMs and memory; power limit; degrees; persistence; ECC): $smi"
  else
    echo "There is no nvidia-smi, or it does not answer: clocks are unknown."
  fi
} | tee "$work/machine.md"
printf '{"chip": %s, "date": "%s", "commit": %s, "system": %s, "cores": %d, "interpreted": %s, "nvidia_smi": %s, "devices": %s}' \
  "$(quoted "$chip")" "$date" "$(quoted "$commit")" "$(quoted "$(uname -srm)")" "$cores" "$([ -n "$PTXI" ] && echo true || echo false)" \
  "$([ -n "$smi" ] && quoted "$smi" || echo null)" "$devices" >"$work/machine.json"
restore
