"""The cases of ops, run on the interpreter, and what they say when something is wrong."""

import os
import re
import signal

from processes import call

# The first report ends a run. No block of the cases comes near so many steps.
SETTINGS = {"DEVICE": "cuda", "PTXI_STRICT": "1", "PTXI_MAX_STEPS": "20000000", "OMP_WAIT_POLICY": "passive"}
# For the cases, these mean something else.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("SEED", "CASE", "LIST")} | SETTINGS


def run(program, usual=600, **settings):
    """As call(); it ends at the first case that fails, or when it takes far more than its usual seconds."""
    limited = f'ulimit -S -t {20 + int(10 * usual)} && exec scripts/run "$0" --no-intro --abort-after=1'
    return call(["bash", "-c", limited, program], env=ENVIRONMENT | settings)


def what_noticed(status, output):
    """In a few words, of a run that failed."""
    report = re.search(r"^\[ptxi\] (?:WARNING|ERROR) (.*?)(?: \||,| (?:by (?:lane|warp)|of|at|offset) \d)", output, re.M)
    return report[1] if report else "no end" if status == -signal.SIGXCPU else "a wrong result"
