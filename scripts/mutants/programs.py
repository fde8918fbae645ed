"""The case programs, linked with what is compiled of a changed file of kernels, and run on the interpreter."""

import os
import pathlib
import re
import shlex
import signal
import tempfile
import threading

from cases import ENVIRONMENT, run, what_noticed
from processes import NoVerdict, call, check_run

FOLDER = pathlib.Path("build/source-mutants")
INTERPRETER = pathlib.Path("scripts/run"), pathlib.Path("tests/ptxi/build/libcudart.so.13")
KERNELS = sorted(pathlib.Path("kernels").glob("*.cu"))
# Warps go on in the midst of others, and copies arrive late, so that races are seen.
SCHEDULE = "random-1/late"


def words(variable):
    return shlex.split(os.environ[variable])


def settings_of_runs():
    return "\n".join(sorted(f"{name}={value}" for name, value in ENVIRONMENT.items() if name.startswith("PTXI_")))


class Refused(Exception):
    """By the compiler."""


def compile_kernels(source, folder):
    """kernels/x.cu, as it is in the folder, with the headers that are there: its object and its PTX."""
    to = folder / source.name
    to.mkdir(exist_ok=True)
    if not (folder / source).exists():
        (folder / source).write_text(source.read_text())
    compiler, *options = words("COMPILE")
    arguments = ["--keep", "--keep-dir", to, "-c", folder / source, "-o", to / "o"]
    status, output, _ = call([compiler, "-I", folder, *options, *arguments])
    # Of the programs that it starts, the compiler says it alone.
    if died := re.search(rf"died due to signal (?:{signal.SIGKILL:d}|{signal.SIGTERM:d})\b", output):
        raise NoVerdict(f"the compiler was ended from outside: {died[0]}", output)
    check_run("the compiler", status, output)
    if status != 0:
        raise Refused(output)
    # Names of what is local to a file hold hashes of its path.
    ptx = (to / source.name).with_suffix(".ptx").read_text()
    return to / "o", re.sub(r"(?m)^//.*|_GLOBAL__N__[0-9a-f]{8}_\d+_\w+?_cu_[0-9a-f]{8}", "", ptx)


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
        # What was measured is known until the program, the interpreter or its settings are others.
        self.kept, self.seconds = FOLDER / "seconds" / self.name, None
        run_by = [file for file in (self.path, *INTERPRETER) if file.exists()]
        if self.kept.exists() and self.kept.stat().st_mtime > max(file.stat().st_mtime for file in run_by):
            seconds, _, settings = self.kept.read_text().partition("\n")
            self.seconds = float(seconds) if settings == settings_of_runs() else None

    def link(self, objects, to):
        first = [f"{self.path}.o", *words("HARNESS"), *objects]  # what is in the library too is not taken from there
        return [*words("LINK"), *first, *words("LIBRARIES"), "-o", to]

    def measure(self):
        status, output, self.seconds = run(self.path, SCHEDULE=SCHEDULE)
        if status != 0:
            raise SystemExit(f"{output}source-mutants: the cases of {self.name} fail as they are")
        self.kept.parent.mkdir(exist_ok=True)
        self.kept.write_text(f"{self.seconds}\n{settings_of_runs()}")

    def sources_with(self, file):
        """Those that are the file or include it, the smallest first, which compile the fastest."""
        concerned = [source for source in self.sources if file in headers_of(source)]
        return sorted(concerned, key=lambda source: os.path.getsize(f"{os.environ['BUILD']}/{source}.o"))

    def try_with(self, changed, folder):
        """With the object of one changed source: None, or the case that noticed something, and what."""
        to = folder / self.name
        status, output, _ = call(self.link([changed], to))
        if status != 0:
            raise NoVerdict(f"{self.name} cannot be linked", output)
        status, output, _ = run(to, usual=self.seconds, SCHEDULE=SCHEDULE)
        if status == 0:
            return None
        case = re.search(r"CASE='([^']*)'", output) or re.search(r"TEST CASE: +(.*)", output)
        return case[1] if case else "", what_noticed(status, output)
