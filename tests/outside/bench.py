#!/usr/bin/env python3
"""What kernels that others wrote ask of a device, counted by the interpreter, for each useful mma (m16n8k16: 4096
flops): bytes of the sectors requested from global memory per useful flop, wavefronts of shared memory, PTX
instructions of a warp.

    bench.py DRIVER...
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

RUN = pathlib.Path(__file__).resolve().parents[2] / "scripts/run"
MMA = 4096
# Counters are the same under any schedule, and with or without checks.
FAST = {"PTXI_SHARED": "0", "PTXI_INIT": "0", "PTXI_RACE": "0"}


def count(driver, case, counted):
    """The sums of the counters of the kernels whose name contains `counted`."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        environment = os.environ | FAST | {"PTXI_COUNTERS": file.name}
        subprocess.run([RUN, driver, "bench", str(case)], env=environment, check=True)
        kernels = [k for k in json.load(file)["kernels"] if counted in k["kernel"]]
    return (
        32 * sum(k["global_ld_sectors"] + k["global_st_sectors"] for k in kernels),
        sum(k["shared_wavefronts"] for k in kernels),
        sum(k["warp_instructions"]["total"] for k in kernels),
    )


def main(drivers):
    print(f"{'kernel':28} {'shape':36} {'bytes/flop':>10} {'wavefronts':>10} {'instructions':>12}")
    for driver in drivers:
        listed = subprocess.run([RUN, driver, "bench"], capture_output=True, text=True, check=True).stdout
        for case, line in enumerate(listed.splitlines()):
            kernel, shape, counted, flops = line.split("\t")
            requested, wavefronts, instructions = count(driver, case, counted)
            mmas = float(flops) / MMA
            print(
                f"{kernel:28} {shape:36} {requested / float(flops):10.4f} {wavefronts / mmas:10.2f} {instructions / mmas:12.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main(sys.argv[1:])
