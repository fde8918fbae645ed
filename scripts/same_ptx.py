#!/usr/bin/env python3
"""Whether kernels are the same program for compute_80, which tests/ptxi runs, and for compute_90.

    scripts/same_ptx.py build/ptxas/NAME.sm_80.ptx...     beside each, NAME.sm_90.ptx

Fails, with the names, where the PTX differs by more than its .target: those kernels would have to be tested for
compute_90 too.
"""
import re
import sys
from pathlib import Path


def without_anonymous_names(name):
    """Of a mangled name, what does not change from one run of the compiler to the next."""
    return re.sub(r"(\d+)(_GLOBAL__N__\w+)", lambda m: without_anonymous_names(m[2][int(m[1]):]), name)


def program(path):
    code = Path(path).read_text().split("\t.section\t.debug_")[0]
    lines = [without_anonymous_names(line) for line in code.splitlines() if not line.startswith((".target", "//"))]
    if not any(".entry" in line or ".func" in line for line in lines) and Path(path).stat().st_size > 1000:
        sys.exit(f"{path}: this is no PTX of a kernel")
    return lines


def main():
    files = sys.argv[1:]
    if not files:
        sys.exit(__doc__)
    differ = [Path(f).name for f in files if program(f) != program(f.replace(".sm_80.ptx", ".sm_90.ptx"))]
    if differ:
        sys.exit("The PTX for compute_90 is another than that for compute_80: " + ", ".join(differ))
    print(f"PTX: {len(files)} files are the same for compute_80 and compute_90")


if __name__ == "__main__":
    main()
