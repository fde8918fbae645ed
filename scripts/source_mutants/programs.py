"""The case programs, linked with what is compiled of a changed file of kernels, and run on the interpreter."""

import os
import pathlib
import re
import shlex
import signal
import subprocess
import tempfile
import threading

FOLDER = pathlib.Path("build/source-mutants")
KERNELS = sorted(pathlib.Path("kernels").glob("*.cu"))

# The first report ends a run. Warps go on in the midst of others, and copies arrive late, so that races are seen. No
# block of the cases comes near so many steps.
SETTINGS = {
    "DEVICE": "cuda",
    "PTXI_ORDER": "2",
    "PTXI_SEED": "1",
    "PTXI_CPASYNC": "late",
    "PTXI_STRICT": "1",
    "PTXI_MAX_STEPS": "20000000",
    "OMP_WAIT_POLICY": "passive",
}
# For the cases, these mean something else.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("SEED", "CASE", "LIST")} | SETTINGS

started = set()


def call(command, **more):
    """Exit status (of a signal: negative), output, and seconds of the processor: the machine may be busy."""
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, **more)
        started.add(process)
        _, status, usage = os.wait4(process.pid, 0)
        started.discard(process)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        return process.returncode, output.read(), usage.ru_utime + usage.ru_stime


def end_all():
    for process in list(started):
        process.kill()


def words(variable):
    return shlex.split(os.environ[variable])


class Refused(Exception):
    """By the compiler."""


def compile_kernels(source, folder):
    """kernels/x.cu, as it is in the folder, with the headers that are there: its object and its PTX."""
    to = folder / source.name
    to.mkdir(exist_ok=True)
    if not (folder / source).exists():
        (folder / source).write_text(source.read_text())
    arguments = ["-I", folder, "--keep", "--keep-dir", to, "-c", folder / source, "-o", to / "o"]
    status, output, _ = call([*words("COMPILE"), *arguments])
    if status != 0:
        raise Refused(output)
    # Names of what is local to a file hold hashes of its path.
    ptx = (to / source.name).with_suffix(".ptx").read_text()
    return to / "o", re.sub(r"(?m)^//.*|\d+_GLOBAL__N__\w+?_cu_[0-9a-f]+_\d+", "", ptx)


def headers_of(source):
    dependencies = pathlib.Path(os.environ["BUILD"], f"{source}.d").read_text()
    return set(re.findall(r"\s(?:\./)?(kernels/[\w.-]+)", dependencies))


original_lock = threading.Lock()


def original_ptx(source):
    kept = FOLDER / "original" / f"{source.name}.ptx"
    with original_lock:
        newest = max(os.path.getmtime(file) for file in headers_of(source))
        if not kept.exists() or kept.stat().st_mtime < newest:
            kept.parent.mkdir(exist_ok=True)
            with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
                (pathlib.Path(folder) / "kernels").mkdir()
                kept.write_text(compile_kernels(source, pathlib.Path(folder))[1])
        return kept.read_text()


class Program:
    """A case program: what of the kernels it has, and how long it runs as it is."""

    def __init__(self, path):
        self.path, self.name = path, path.name
        status, output, _ = call(self.link([], FOLDER / "traced") + ["-Wl,-t,-t"])
        if status != 0:
            raise SystemExit(output)
        self.sources = {source for source in KERNELS if f"){source.name}.o" in output}
        self.files = {str(source) for source in self.sources}.union(*map(headers_of, self.sources))

    def link(self, objects, to):
        first = [f"{self.path}.o", *words("HARNESS"), *objects]  # what is in the library too is not taken from there
        return [*words("LINK"), *first, *words("LIBRARIES"), "-o", to]

    def measure(self):
        status, output, self.seconds = self.run(self.path, 6000)
        if status != 0:
            raise SystemExit(f"{output}source-mutants: the cases of {self.name} fail as they are")

    def run(self, program, limit):
        arguments = ["--no-intro", "--abort-after=1"]
        limited = ["bash", "-c", f'ulimit -t {limit} && exec scripts/run "$0" "$@"', program, *arguments]
        return call(limited, env=ENVIRONMENT)

    def sources_with(self, file):
        """Those that are the file or include it, the smallest first, which compile the fastest."""
        concerned = [source for source in self.sources if file in headers_of(source)]
        return sorted(concerned, key=lambda source: os.path.getsize(f"{os.environ['BUILD']}/{source}.o"))

    def try_with(self, changed, folder):
        """With the object of one changed source: None, or the case that noticed something, and what."""
        to = folder / self.name
        status, output, _ = call(self.link([changed], to))
        if status != 0:
            raise RuntimeError(output)
        status, output, _ = self.run(to, 20 + int(10 * self.seconds))
        if status == 0:
            return None
        case = re.search(r"CASE='([^']*)'", output) or re.search(r"TEST CASE: +(.*)", output)
        report = re.search(r"^\[ptxi\] (?:WARNING|ERROR) (.*?)(?: \||,| (?:by (?:lane|warp)|of|at|offset) \d)", output, re.M)
        how = report[1] if report else "no end" if status == -signal.SIGXCPU else "a wrong result"
        return case[1] if case else "", how
