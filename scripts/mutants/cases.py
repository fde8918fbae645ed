"""The cases of ops, run on the interpreter, and what they say when something is wrong."""

import os
import re
import signal

from processes import NoVerdict, call, check_run

# The first report ends a run. No block of the cases comes near so many steps.
SETTINGS = {"DEVICE": "cuda", "PTXI_STRICT": "1", "PTXI_MAX_STEPS": "20000000", "OMP_WAIT_POLICY": "passive"}
# For the cases, these mean something else.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("SEED", "CASE", "LIST")} | SETTINGS
# The status of a program that refuses its environment.
REFUSED = 2


def only(test):
    """The option of a program for that one of its tests, by all of its name."""
    return "--test-case=" + re.sub(r"[\\,]", r"\\\g<0>", test)


def run(program, *options, usual=600, **settings):
    """As call(); it ends at the first case that fails, or when it takes far more than its usual seconds. Raises NoVerdict
    where it was not the program that ended itself, or it did not run."""
    limited = f'ulimit -S -t {20 + int(10 * usual)} || exit 126; exec scripts/run "$0" --no-intro --abort-after=1 "$@"'
    status, output, seconds = call(["bash", "-c", limited, program, *options], env=ENVIRONMENT | settings)
    name = os.path.basename(program)
    if status == REFUSED:
        raise NoVerdict(f"{name} was not run: status {status}", output)
    check_run(name, status, output)
    return status, output, seconds


def what_noticed(status, output):
    """In a few words, of a run that failed."""
    report = re.search(r"^\[ptxi\] (?:WARNING|ERROR) (.*?)(?: \||,| (?:by (?:lane|warp)|of|at|offset) \d)", output, re.M)
    if report:
        return report[1]
    if status == -signal.SIGXCPU:
        return "no end"
    failed = re.search(r"^\S+:\d+: (?:FATAL )?ERROR: (?!test case CRASHED)", output, re.M)
    return "a crash" if status < 0 and not failed else "a wrong result"
