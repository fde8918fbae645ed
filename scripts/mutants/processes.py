"""Programs that are run, as many at once as there are cores, and none that is left when Ctrl-C ends it."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed

# So that what a program starts ends with it. A session of its own has a share of the processor of its own too.
OWN_GROUP = {"process_group": 0} if sys.version_info >= (3, 11) else {"start_new_session": True}

# Signals by which programs end for what they do themselves.
CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT, signal.SIGTRAP}

started, starting, stopping = set(), threading.Lock(), threading.Event()


def call(command, **more):
    """Exit status (of a signal: negative), output, and seconds of the processor: the machine may be busy."""
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        with starting:
            if stopping.is_set():
                raise InterruptedError
            streams = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output}
            process = subprocess.Popen(command, **streams, **OWN_GROUP, **more)
            started.add(process)
        _, status, usage = os.wait4(process.pid, 0)
        with starting:
            started.discard(process)
        process.returncode = os.waitstatus_to_exitcode(status)
        if stopping.is_set():
            raise InterruptedError
        output.seek(0)
        return process.returncode, output.read(), usage.ru_utime + usage.ru_stime


class NoVerdict(Exception):
    """What ended a program says nothing of the kernels: why, and what it printed before."""

    def __init__(self, why, output):
        super().__init__(why)
        self.output = output


def check_run(name, status, output):
    """Raises NoVerdict if it was ended from outside, as by SIGKILL where there is no memory left, or did not begin."""
    if status < 0 and -status not in {signal.SIGXCPU, *CRASHES}:
        raise NoVerdict(f"{name} was ended from outside: {signal.strsignal(-status)}", output)
    if status in (126, 127):
        raise NoVerdict(f"{name} was not run: status {status}", output)


def stop():
    """Ends what runs; what would be started then is not."""
    with starting:
        stopping.set()
        for process in started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def in_parallel(work, items):
    """Each item and what becomes of it, as they are done."""
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        try:
            tasks = {pool.submit(work, item): item for item in items}
            for done in as_completed(tasks):
                yield tasks[done], done.result()
        except BaseException:
            stop()
            raise


def run_main(name, main, when_stopped):
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        sys.exit(main())
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        sys.exit(f"{error.filename}: {error.strerror}")
    except NoVerdict as error:
        sys.exit(f"{error.output}{name}: {error}")
    except KeyboardInterrupt:
        print(when_stopped, file=sys.stderr)
        sys.exit(130)
    finally:
        stop()
