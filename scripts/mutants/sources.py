"""Plants one mistake at a time in the device code of kernels/, and runs the cases of the ops that use it until one
notices: the interpreter reports something, or a result is wrong.

    scripts/mutants/sources.py tests/cases/PROGRAM...

MUTANTS=200: so many, drawn by SEED, a file the oftener the more device code it has; what the compiler refuses, and what
gives the same PTX, is drawn again. The files are kernels/*.cu; with HEADERS=1, kernels/*.cuh, of which one mutant takes
minutes; never *.h, which the host shares. OP='sgd adamw': files that these ops' programs have; their cases are run
first. ONLY=file: the mutants listed there, of both kinds of files. TABLE=file: all that was found, as a table.
tests/mutants/source_equivalent.txt lists those that cannot be noticed, each with the reason. Fails if another is not,
or if one of those is. Ends with the line "N noticed, N explained, N survived".

Results, and how long each program takes, are kept in build/source-mutants: the same SEED goes on where it was stopped,
and those that survived are tried again. `make clean`, or deleting the folder, begins anew.
"""

import itertools
import math
import os
import pathlib
import sys
import tempfile
import time

from processes import NoVerdict, in_parallel, run_main
from programs import FOLDER, Program, Refused, compile_kernels, original_ptx
from sites import mutants_of, read_list
from source_results import LIST, Results
from verdicts import conclude, drawn_number, how_many, how_many_of, print_line, say, seed, table


def drawn(files):
    """Mutants with their sites, in the order in which they are tried."""
    order = []
    for file in files:
        found, lines = mutants_of(file, pathlib.Path(file).read_text())
        for mutant, site in found.items():
            uniform = (drawn_number(f"{mutant.place} {mutant.before} {mutant.after}") + 1) / 2**64
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
        except NoVerdict as error:
            raise NoVerdict(f"{error}; no verdict on {mutant.place}: {mutant.after}", error.output) from None
    return verdict, "", "", "", round(time.monotonic() - begin)


def main():
    wanted, number, page = how_many(200), seed(), table()
    ops, only = os.environ.get("OP", "").split(), os.environ.get("ONLY")
    listed = read_list(pathlib.Path(only)) if only else None
    if only and not listed:
        raise SystemExit(f"source-mutants: {only} lists no mutant")
    if (headers := os.environ.get("HEADERS", "")) not in ("", "0", "1"):
        raise SystemExit(f"HEADERS: '{headers}' is neither 0 nor 1")
    kind, suffix = ("headers", ".cuh") if headers == "1" else ("seed", ".cu")
    FOLDER.mkdir(parents=True, exist_ok=True)
    say(f"looking for kernels in {how_many_of(len(sys.argv) - 1, 'case program')}")
    programs = [Program(pathlib.Path(path)) for path in sys.argv[1:]]
    files = sorted(set().union(*(p.files for p in programs)))
    everything = drawn([file for file in files if file.endswith((".cu", ".cuh"))])

    if only:
        order = {mutant: everything.get(mutant) for mutant in listed}
    else:
        of_ops = set().union(*(p.files for p in programs if not ops or p.name in ops))
        order = {m: site for m, site in everything.items() if m.file in of_ops and m.file.endswith(suffix)}
    stale = [m for m in [*read_list(LIST), *order] if not everything.get(m)]
    for mutant in stale:
        print(f"NOWHERE: {mutant.place}\n- {mutant.before}\n+ {mutant.after}")
        order.pop(mutant, None)

    programs = [p for p in programs if any(mutant.file in p.files for mutant in order)]
    if unknown := [program for program in programs if program.seconds is None]:
        say(f"measuring {how_many_of(len(unknown), 'case program')}")
    for program, _ in in_parallel(Program.measure, unknown):
        say(f"  {program.name}: {program.seconds:.1f} s")
    programs.sort(key=lambda program: (bool(ops) and program.name not in ops, program.seconds))

    kept = FOLDER / ("only.tsv" if only else f"{kind}-{number}.tsv")
    if only:
        wanted = len(order)
        kept.unlink(missing_ok=True)
    results = Results(kept, order)
    new = iter([mutant for mutant in order if mutant not in results.of])
    while tried := list(itertools.islice(new, max(0, wanted - len(results.words())))):
        for mutant, result in in_parallel(lambda mutant: judge(mutant, order[mutant], programs), tried):
            results.add(mutant, result)
            what = f"{mutant.file}:{order[mutant].line}  {mutant.after}"
            print_line(results.word(mutant), what, *result[1:4], f"  {result[4]} s")
    for mutant in results.of:
        if results.word(mutant).isupper():
            print(f"\n{results.word(mutant)}\n{mutant.place}\n- {mutant.before}\n+ {mutant.after}")
    if page:
        results.write_page(page)
    return conclude(results.words(), "explained", "survived", stale)


if __name__ == "__main__":
    run_main("source-mutants", main, "stopped; the same SEED goes on from here")
