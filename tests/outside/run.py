#!/usr/bin/env python3
"""Runs every case of the drivers under the interpreter, with all checks, under several schedules, and prints a table: the
largest error of each output under any schedule, what is allowed, the different reports that are known
(known_reports.txt), and the others. Ends with the line "N passed, N failed", which counts outputs.

    run.py DRIVER...
"""

import concurrent.futures
import math
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
RUN = HERE.parents[1] / "scripts/run"
SCHEDULES = ["forward/late", "forward/early", "reversed/late", "random-1/late", "random-2/early"]  # of RUN


def known_reports():
    lines = HERE.joinpath("known_reports.txt").read_text().splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return {(kernel, shape): pattern for kernel, shape, pattern in rows}


def run(job):
    driver, case, schedule = job
    environment = os.environ | {"SCHEDULE": schedule}
    # A hang is a failure: exit status 124.
    done = subprocess.run(["timeout", "600", RUN, driver, case], env=environment, capture_output=True, text=True)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    # Names of kernels would fill a page, and addresses differ from run to run.
    reports = [
        re.sub(r"0x[0-9a-f]+( \(offset[^)]*\))?", "an address", re.sub(r"\| kernel .*? \| block", "| block", report))
        for report in re.findall(r"^\[ptxi\] (?:WARNING|ERROR) (.*)", done.stderr, re.M)
    ]
    # An error above what is allowed ends a driver with 1, a report with 99.
    if not rows or done.returncode not in (0, 1, 99):
        return job, rows, reports, f"exit status {done.returncode}: {done.stderr[-1000:]}"
    return job, rows, reports, "an error is no number" if any(math.isnan(float(error)) for *_, error, _ in rows) else ""


def worse(error):
    """Key of a comparison in which NaN is not less than any number."""
    return math.inf if math.isnan(error) else error


class Output:
    def __init__(self, allowed):
        self.error, self.allowed = 0, allowed
        self.known, self.unknown = set(), set()

    def good(self):
        return self.error <= self.allowed < math.inf and not self.unknown


def main(drivers):
    jobs = [
        (driver, case, schedule)
        for driver in drivers
        for case in subprocess.run([RUN, driver], capture_output=True, text=True, check=True).stdout.split()
        for schedule in SCHEDULES
    ]
    outputs, unknown, failed = {}, {}, 0
    known = known_reports()
    not_seen = set(known)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for (driver, case, schedule), rows, reports, broken in pool.map(run, jobs):
            if broken:
                print(f"{pathlib.Path(driver).name} {case}, {schedule}: {broken}")
                failed += 1
            for kernel, shape, name, error, allowed in rows:
                output = outputs.setdefault((kernel, shape, name), Output(float(allowed)))
                output.error = max(output.error, float(error), key=worse)
                for report in reports:
                    if (kernel, shape) in known and re.search(known[kernel, shape], report):
                        output.known.add(report)
                        not_seen.discard((kernel, shape))
                    else:
                        output.unknown.add(report)
                        unknown.setdefault(report, f"{kernel}, {shape}, {schedule}")

    print(f"{'kernel':36} {'shape':38} {'output':12} {'error':>8} {'allowed':>8} {'known':>6} {'reports':>8}")
    for (kernel, shape, name), o in outputs.items():
        verdict = "" if o.good() else " FAILED"
        print(f"{kernel:36} {shape:38} {name:12} {o.error:8.2g} {o.allowed:8.2g} {len(o.known):6} {len(o.unknown):8}{verdict}")
    for report, where in unknown.items():
        print(f"{where}: {report}")
    for kernel, shape in not_seen:
        print(f"known_reports.txt: no longer reported of {kernel}, {shape}: {known[kernel, shape]}")
    passed = sum(o.good() for o in outputs.values())
    failed += len(outputs) - passed + len(not_seen)
    print(f"{passed} passed, {failed} failed")
    return failed > 0 or passed == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
