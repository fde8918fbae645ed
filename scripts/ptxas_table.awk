# What ptxas made of each kernel, from files NAME.sm_80 and NAME.sm_90: lines .entry, .maxntid and .extern of its PTX, then
# the output of ptxas -v, demangled. A file build/dynamic_shared_bytes (scripts/bench_interpreted.sh) before them says how much
# dynamic shared memory kernels were launched with. Fails when a kernel spills registers.
#
# Resident warps of a multiprocessor: of a block of the launch bound's size, as many as registers, shared memory and
# slots hold; the rules are those of cuda_occupancy.h, the sizes those of CUDA's programming guide, "Compute
# Capabilities": 64 warps, 32 blocks, 64 K registers in four partitions, given to warps by 256; shared memory by 128 bytes,
# 1 KB a block reserved, of 164 KB (sm_80) and 228 KB (sm_90).
function up(n, unit) { return int((n + unit - 1) / unit) * unit }
function least(a, b) { return a < b ? a : b }
function resident_warps(registers, shared, threads, target,    warps, blocks) {
  warps = up(threads, 32) / 32
  blocks = least(32, int(64 / warps))
  blocks = least(blocks, int(4 * int(65536 / 4 / up(32 * registers, 256)) / warps))
  blocks = least(blocks, int(1024 * (target == "sm_80" ? 164 : 228) / up(shared + 1024, 128)))
  return blocks * warps
}
function short(name,    i) {
  split("resident streamed split", depths, " ")  # kernels/conv_block.cuh
  for (i = 1; i <= 3; ++i) gsub("\\(fermion::kernels::Depth\\)" i - 1, depths[i], name)
  gsub(/fermion::kernels::|\(anonymous namespace\)::|^void /, "", name)
  sub(/\(.*/, "", name)
  return name
}
BEGIN { row = "%-6s %9s %6s %8s %7s %6s  %s\n"; printf row, "target", "registers", "spills", "shared B", "threads", "warps", "kernel" }
FILENAME ~ /dynamic_shared_bytes$/ {
  split($0, columns, "\t")
  name = short(columns[2])
  if (columns[1] > launched[name] + 0 || !(name in launched)) launched[name] = columns[1] + 0
  next
}
FNR == 1 {
  target = FILENAME
  sub(/.*\./, "", target)
  file = FILENAME
  sub(/.*\//, "", file)
  sub(/\.sm_.*/, "", file)
  dynamic = ""
  delete threads
}
/^\.extern \.shared/ { dynamic = "+" }
/\.entry / { sub(/.*\.entry /, ""); sub(/\($/, ""); entry = $0 }
/^\.maxntid/ { gsub(/,/, ""); threads[entry] = $2 * $3 * $4 }
/Compiling entry function/ { match($0, /'.*' for/); kernel = substr($0, RSTART + 1, RLENGTH - 6) }
/bytes stack frame/ { spills = $5 + $9 }
/Used [0-9]+ registers/ {
  match($0, /[0-9]+ registers/)
  registers = substr($0, RSTART) + 0
  shared = match($0, /[0-9]+ bytes smem/) ? substr($0, RSTART) + 0 : 0
  bound = threads[kernel]
  more = dynamic
  if (ran = dynamic && short(kernel) in launched) {
    shared += launched[short(kernel)]
    more = ""
  }
  warps = resident_warps(registers, shared, bound, target)
  printf row, target, registers, spills, shared more, bound ? bound : "-", bound ? (more ? "<=" : "") warps : "-",
    file ": " short(kernel)
  ++kernels
  if (spills) ++spilling
  if (!bound) ++unbound
  if (more) some_dynamic = 1
  if (registers > most_registers) most_registers = registers
  if (ran && file ~ /mma$/ && (!fewest_warps || warps < fewest_warps)) fewest_warps = warps
}
END {
  if (some_dynamic) print "+: may take dynamic shared memory besides, which lowers the warps."
  if (unbound) print "-: without __launch_bounds__."
  printf "%d kernels, %d with spills (bar: 0), at most %d registers (bar: 255)\n", kernels, spilling, most_registers
  if (fewest_warps) printf "fewest resident warps of a tensor-core kernel that make bench GPU=interpreted launched: %d (bar: 8)\n", fewest_warps
  exit spilling > 0 || kernels == 0
}
