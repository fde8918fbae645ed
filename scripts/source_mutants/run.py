"""Plants one mistake at a time in the device code of kernels/, and runs the cases of the ops that use it until one
notices: the interpreter reports something, or a result is wrong.

    scripts/source_mutants/run.py tests/cases/PROGRAM...

MUTANTS=200: so many, drawn by SEED, a file the oftener the more device code it has; what the compiler refuses, and what
gives the same PTX, is drawn again. OP='sgd adamw': of files that no other op's cases use. ONLY=file: those listed there.
TABLE=file: all that was found, as a table. tests/mutants/source_equivalent.txt lists those that cannot be noticed, each
with the reason. Fails if another is not, or if one of those is. Ends with the line "N noticed, N explained, N survived".

Results are kept in build/source-mutants: the same SEED goes on where it was stopped, and those that survived are tried
again. `make clean`, or deleting the folder, begins anew.
"""

import csv
import hashlib
import math
import os
import pathlib
import signal
import sys
import tempfile
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

from programs import FOLDER, KERNELS, Program, Refused, compile_kernels, end_all, original_ptx
from sites import Mutant, mutants_of, read_list
from table import write_table

LIST = pathlib.Path("tests/mutants/source_equivalent.txt")


def drawn(files, seed):
    """Mutants with their sites, in the order in which they are tried: by a hash, so that a change of one file leaves
    the draw of the others nearly as it was."""
    order = []
    for file in files:
        found, lines = mutants_of(file, pathlib.Path(file).read_text())
        for mutant, site in found.items():
            digest = hashlib.sha1(f"{seed} {mutant.place} {mutant.before} {mutant.after}".encode()).digest()
            uniform = (int.from_bytes(digest[:8], "big") + 1) / 2**64
            # The smallest of a file's n exponential variables, each of rate lines / n, has rate `lines`.
            order.append((-math.log(uniform) * len(found) / lines, mutant.place, mutant.after, mutant, site))
    return {mutant: site for *_, mutant, site in sorted(order, key=lambda entry: entry[:3])}


def judge(mutant, site, programs):
    """noticed, survived, refused or same; the program, its case, what it noticed; seconds."""
    begin, verdict = time.monotonic(), "same"
    text = pathlib.Path(mutant.file).read_text()
    with tempfile.TemporaryDirectory(dir=FOLDER) as name:
        folder = pathlib.Path(name)
        (folder / "kernels").mkdir()
        (folder / mutant.file).write_text(text[: site.begin] + site.text + text[site.end :])
        compiled = {}
        try:
            for program in programs:
                for source in program.sources_with(mutant.file):
                    if source not in compiled:
                        compiled[source] = compile_kernels(source, folder)
                    changed, ptx = compiled[source]
                    if ptx == original_ptx(source):
                        continue
                    verdict = "survived"
                    if found := program.try_with(changed, folder):
                        return "noticed", program.name, *found, round(time.monotonic() - begin)
        except Refused:
            verdict = "refused"
    return verdict, "", "", "", round(time.monotonic() - begin)


class Results:
    """A line for each mutant that was tried, and what becomes of it by the list."""

    def __init__(self, path, order):
        self.path, self.of, self.listed = path, {}, read_list(LIST)
        if path.exists():
            with path.open(newline="") as file:
                for place, before, after, *result in csv.reader(file, delimiter="\t"):
                    name, _, nth = place.partition("#")
                    self.of[Mutant(name, int(nth or 1), before, after)] = tuple(result)
        self.of = {mutant: result for mutant, result in self.of.items() if mutant in order}
        self.of = {m: r for m, r in self.of.items() if self.word(m) != "SURVIVED"}

    def add(self, mutant, result):
        self.of[mutant] = result
        with self.path.open("a", newline="") as file:
            csv.writer(file, delimiter="\t").writerow([mutant.place, mutant.before, mutant.after, *result])

    def word(self, mutant):
        verdict, listed = self.of[mutant][0], mutant in self.listed
        if verdict == "survived":
            return "explained" if listed else "SURVIVED"
        return "NOTICED, BUT EXPLAINED AWAY" if listed and verdict == "noticed" else verdict

    def count(self, *words):
        return sum(self.word(mutant) in words for mutant in self.of)

    def counted(self):
        return sum(result[0] in ("noticed", "survived") for result in self.of.values())


def try_all(order, wanted, programs, results):
    new, running = iter([mutant for mutant in order if mutant not in results.of]), {}
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        try:
            while True:
                while results.counted() + len(running) < wanted and (mutant := next(new, None)):
                    running[pool.submit(judge, mutant, order[mutant], programs)] = mutant
                if not running:
                    return
                for done in wait(running, return_when=FIRST_COMPLETED).done:
                    mutant = running.pop(done)
                    results.add(mutant, done.result())
                    _, program, case, how, seconds = results.of[mutant]
                    what = f"{mutant.file}:{order[mutant].line}  {mutant.after}"
                    noticed = f"{program}, {case}: {how}" if program else ""
                    print(f"{results.word(mutant):10} {what}  {noticed}  {seconds} s", flush=True)
        except BaseException as error:
            end_all()
            if not isinstance(error, KeyboardInterrupt):
                raise
            print(f"stopped; SEED={os.environ.get('SEED') or 1} goes on from here", file=sys.stderr)
            os._exit(130)


def main():
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    FOLDER.mkdir(parents=True, exist_ok=True)
    programs = [Program(pathlib.Path(path)) for path in sys.argv[1:]]
    ops, only = os.environ.get("OP", "").split(), os.environ.get("ONLY")
    of_others = set().union(*(p.files for p in programs if ops and p.name not in ops))
    files = [str(file) for file in [*KERNELS, *sorted(pathlib.Path("kernels").glob("*.cuh"))]]
    everything = drawn([file for file in files if any(file in p.files for p in programs)], os.environ.get("SEED") or 1)

    order = {m: site for m, site in everything.items() if m.file not in of_others}
    if only:
        order = {mutant: everything.get(mutant) for mutant in read_list(pathlib.Path(only))}
    stale = [m for m in [*read_list(LIST), *order] if not everything.get(m)]
    for mutant in stale:
        print(f"NOWHERE: {mutant.place}\n- {mutant.before}\n+ {mutant.after}")
        order.pop(mutant, None)

    programs = [p for p in programs if any(mutant.file in p.files for mutant in order)]
    for program in programs:
        program.measure()
    programs.sort(key=lambda program: program.seconds)

    kept = FOLDER / ("only.tsv" if only else f"seed-{os.environ.get('SEED') or 1}.tsv")
    if only:
        kept.unlink(missing_ok=True)
    results = Results(kept, order)
    try_all(order, len(order) if only else int(os.environ.get("MUTANTS") or 200), programs, results)
    for mutant in results.of:
        if results.word(mutant).isupper():
            print(f"\n{results.word(mutant)}\n{mutant.place}\n- {mutant.before}\n+ {mutant.after}")
    if os.environ.get("TABLE"):
        write_table(pathlib.Path(os.environ["TABLE"]), results)
    noticed, explained = results.count("noticed"), results.count("explained")
    wrong = results.counted() - noticed - explained
    print(f"{noticed} noticed, {explained} explained, {wrong} survived")
    sys.exit(bool(wrong or stale or not results.counted()))


if __name__ == "__main__":
    main()
