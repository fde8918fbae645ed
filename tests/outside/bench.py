#!/usr/bin/env python3
"""What kernels that others wrote ask of a device, and what ours ask for the same: counted by the interpreter, for each
useful mma (m16n8k16: 4096 flops). A table, with the goals.

    bench.py BENCH DRIVER...

BENCH is the program of benchmarks/, which runs ours.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

RUN = pathlib.Path(__file__).resolve().parents[2] / "scripts/run"
MMA = 4096
COUNTERS = ("bytes per flop", "wavefronts", "instructions but moves")
# Of the convolutions, as in a training step.
IMAGES = 64
# Counters are the same under any schedule, and with or without checks.
FAST = {"PTXI_SHARED": "0", "PTXI_INIT": "0", "PTXI_RACE": "0"}
# The layer of lnl-base with images of that width.
LEVELS = {112: "enc.0.conv2", 56: "enc.1.conv2", 28: "enc.2.conv2", 14: "enc.3.conv2", 7: "enc.4.conv2"}
# Ours by theirs, at most. Attention's backward forms seven products where theirs forms five, and sums in a fixed order.
GOALS = {
    "CUTLASS convolution": (0.6, 1, 1),
    "CUTLASS wgrad": (0.6, 1, 1),
    "FlashAttention-2 forward": (1, 1, 1),
    "FlashAttention-2 backward": (1.4, 1.4, 1.4),
}


def run(command, **environment):
    subprocess.run(list(map(str, command)), env=os.environ | environment, check=True, stdout=subprocess.DEVNULL)


def theirs(driver, case, counted, flops):
    """Of the kernels whose name contains `counted`, the three figures."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        run([RUN, driver, "bench", case], **FAST, PTXI_COUNTERS=file.name)
        kernels = [k for k in json.load(file)["kernels"] if counted in k["kernel"]]
    requested = 32 * sum(k["global_ld_sectors"] + k["global_st_sectors"] for k in kernels)
    wavefronts = sum(k["shared_wavefronts"] for k in kernels)
    instructions = sum(k["warp_instructions"]["total"] - k["warp_instructions"]["mov"] for k in kernels)
    return requested / flops, wavefronts * MMA / flops, instructions * MMA / flops


def ours(bench, kernel, shape, flops):
    """The same of what does that in lnl-base."""
    if "CUTLASS" in kernel:
        width = int(re.match(r"\d+x(\d+)x", shape).group(1))
        which = ["--op", "conv2d", "--case", f"lnl-base, {LEVELS[width]}", "--images", IMAGES]
        part = "forward" if kernel == "CUTLASS convolution" else "wgrad"
    else:
        which = ["--op", "attention", "--case", "lnl-base", "--images", 1]
        part = kernel.split()[-1]
    with tempfile.TemporaryDirectory() as name:
        calls, counters, parts = (pathlib.Path(name) / file for file in ("calls", "counters", "parts"))
        listed = {"PTXI_COUNTERS": str(counters), "PTXI_COUNTERS_RANGE": "1", "PTXI_COUNTERS_LAUNCHES": "1000000"}
        run([RUN, bench, "--device", "cuda", "--count", calls, *which], **FAST, **listed)
        run([bench, "--bars", calls, counters, "--json", parts, *which])
        (found,) = [p for p in json.loads(parts.read_text())["parts"] if p["part"] == part]
    if "CUTLASS" in kernel:
        flops = found["flops"]
    requested, wavefronts = found["requested_bytes"], found["shared_wavefronts"]
    return requested / flops, wavefronts * MMA / flops, found["instructions_but_moves"] * MMA / flops


def main(bench, drivers):
    met = []
    print(f"| kernel | shape | {' | '.join(COUNTERS)} | ours by theirs, at most | |")
    print("|---" * (len(COUNTERS) + 4) + "|")
    for driver in drivers:
        listed = subprocess.run([RUN, driver, "bench"], capture_output=True, text=True, check=True).stdout
        for case, line in enumerate(listed.splitlines()):
            kernel, shape, counted, flops = line.split("\t")
            their = theirs(driver, case, counted, float(flops))
            cells, verdict = [f"{their[0]:.4f}", f"{their[1]:.2f}", f"{their[2]:.2f}"], ["", ""]
            if goal := GOALS.get(kernel):
                our = ours(bench, kernel, shape, float(flops))
                cells = [f"{t:.{n}f} / {o:.{n}f}: {o / t:.2f}" for t, o, n in zip(their, our, (4, 2, 2))]
                missed = [name for name, t, o, most in zip(COUNTERS, their, our, goal) if o > most * t]
                met += [not missed]
                verdict = [", ".join(map(str, goal)), f"missed: {', '.join(missed)}" if missed else "met"]
            print("|", " | ".join([kernel, shape, *cells, *verdict]), "|", flush=True)
    print(f"\n{sum(met)} of {len(met)} goals are met. A cell is theirs / ours: ours by theirs.")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
