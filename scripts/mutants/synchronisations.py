"""Takes the synchronisations of kernels/ away, one at a time (PTXI_MUTATE, tests/ptxi/README.md), and runs the cases of
the ops that use it, and the tests beside them, each alone, until one notices: the interpreter reports something, or a
result is wrong.

    scripts/mutants/synchronisations.py tests/cases/PROGRAM...

OP='sgd adamw': only what these ops' cases use; their cases are run first, then others that use it. MUTANTS=20: so many,
drawn by SEED, of those that can be noticed; all take about a quarter of an hour of two cores. SCHEDULES='random-1/late
reversed/early': those of scripts/run to try. TABLE=file: all that was found, as a table. tests/mutants/equivalent.txt
lists those that cannot be noticed, a name a line, each with the reason. Fails if another is not, or if one of those is.
Ends with the line "N noticed, N equivalent, N not noticed".
"""

import os
import pathlib
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass

from cases import only, run, what_noticed
from processes import NoVerdict, in_parallel, run_main
from verdicts import command, conclude, drawn_number, how_many, how_many_of, print_line, say, seed, table, write_page

LIST = pathlib.Path("tests/mutants/equivalent.txt")
# In a random order warps go on in the midst of others, so it comes first; what is left meets the others too.
SCHEDULES = "random-1/late forward/late reversed/early random-2/early"
SETTINGS = ["OP", "MUTANTS", "SEED", "SCHEDULES", "TABLE"]
HEAD = """# Kernels without one of their synchronisations, {{date}}

`{command}` wrote this page. A line is a synchronisation of [kernels](../../kernels) that was taken away (of a mask, its highest lane), with the place of the call where it is inlined;
then the op and the case that noticed it first, or the test beside the op's cases, each run alone; the order of blocks and warps and of asynchronous copies (as `make test-schedules` names them), and the report of [ptxi](../ptxi/README.md). The other cases and ops that use it were not asked.
A mask without its highest lane is noticed wherever that lane comes by, so these lines say that a case runs it; the others, that its absence does harm.
The quickest is asked first. That depends on the times that were measured, so a later run may name other cases and reports. All take about a quarter of an hour of two cores.

| without | noticed by | case | schedule | as |
|---|---|---|---|---|
"""


def elsewhere(what):
    return SystemExit(
        f"mutants: {what}. Programs name the folder in which they were compiled: after a build folder was moved or"
        " copied, `make clean` is needed"
    )


def mutants_in(output):
    return set(re.findall(r"\[ptxi\] mutant \d+ (\S*@kernels/\S*)", output))


@dataclass(frozen=True)
class Case:
    """What a program can run alone: a case of its op, or a test that stands beside the cases."""

    program: str
    test: str  # of all cases: that of the op's name
    case: str = ""

    @property
    def op(self):
        return os.path.basename(self.program)

    @property
    def name(self):
        return self.case or self.test

    def run(self, schedule, **more):
        chosen = {"CASE": self.case} if self.case else {}
        return run(self.program, only(self.test), SCHEDULE=schedule, **chosen, **more)


def listed_by(program, *options, **settings):
    status, output, _ = run(program, *options, **settings)
    if status != 0:
        raise NoVerdict(f"{os.path.basename(program)} fails where it only lists: status {status}", output)
    return output


def held_by(program):
    """What can be taken away in it: loading is enough. It may hold kernels that only other ops use."""
    output = listed_by(program, "--list-test-cases", PTXI_MUTATE="list")
    if other := re.search(r"(?m)^\[ptxi\] mutant \d+ .*?@(?!kernels/)([^\s@]*/kernels/[^\s@/]+:\d+)", output):
        raise elsewhere(f"{os.path.basename(program)} has {other[1]}, which is not of kernels/ here")
    return mutants_in(output)


def cases_of(program):
    op = os.path.basename(program)
    cases = re.findall(rf"(?m)^{op}: (.*)", listed_by(program, only(op), LIST="1"))
    listed = listed_by(program, "--list-test-cases", f"--test-case-exclude={op}")
    others = re.findall(r"(?m)^(?![\[=]).+", listed)  # without the lines around them
    return [Case(program, op, case) for case in cases] + [Case(program, test) for test in others]


def survey(programs):
    """What can be taken away of the kernels that each case uses, and its seconds; the quickest case comes first."""
    cases, found = [case for program in programs for case in cases_of(program)], {}
    if cases:
        say(f"running {how_many_of(len(cases), 'test')} as they are")
    left = Counter(case.program for case in cases)
    used = in_parallel(lambda case: case.run("forward/late", PTXI_MUTATE="used"), cases)
    for case, (_, output, seconds) in used:
        found[case] = mutants_in(output), seconds
        left[case.program] -= 1
        if not left[case.program]:
            own = [seconds for other, (_, seconds) in found.items() if other.program == case.program]
            say(f"  {case.op}: {how_many_of(len(own), 'test')}, {sum(own):.0f} s")
    return dict(sorted(found.items(), key=lambda entry: entry[1][1]))


def judge(mutant, used, schedules, listed):
    """What becomes of it; the op, case and schedule that noticed it, and as what."""
    try:
        return try_cases(mutant, used, schedules, listed)
    except NoVerdict as error:
        raise NoVerdict(f"{error}; no verdict on {mutant}", error.output) from None


def try_cases(mutant, used, schedules, listed):
    concerned = {case: seconds for case, (mutants, seconds) in used.items() if mutant in mutants}
    for schedule in schedules:
        for case, seconds in concerned.items():
            status, output, _ = case.run(schedule, usual=seconds, PTXI_MUTATE=mutant)
            if status == 0:
                continue
            word = "NOTICED, BUT LISTED AS EQUIVALENT" if listed else "noticed"
            # It is the mutant that was noticed if the case passes as it is.
            if case.run(schedule)[0] != 0:
                word = "FAILS WITHOUT IT TOO"
            return word, case.op, case.name, schedule, what_noticed(status, output)
    return "NO CASE RUNS IT" if not concerned else "equivalent" if listed else "NOT NOTICED", "", "", "", ""


def read_list():
    lines = [line for line in LIST.read_text().splitlines() if line and not line.startswith("#")]
    return {name: reason for name, _, reason in (line.partition(" ") for line in lines)}


def by_numbers(mutant):
    """Key of a sort in which line 9 comes before line 10."""
    return [part.zfill(9) if part.isdigit() else part for part in re.split(r"(\d+)", mutant)]


def row(mutant, result, reason):
    kind, *places = mutant.split("@")
    word, *seen = result
    return [f"{kind} {', called at '.join(places)}", *(seen if word == "noticed" else [word, "", "", reason])]


def main():
    programs, ops = sys.argv[1:], os.environ.get("OP", "").split()
    wanted, page = how_many(None), table()
    seed()  # which may be refused
    schedules = (os.environ.get("SCHEDULES") or SCHEDULES).split()
    if any(subprocess.call(["scripts/run", "true"], env=os.environ | {"SCHEDULE": word}) for word in schedules):
        return 2
    say(f"looking for synchronisations in {how_many_of(len(programs), 'case program')}")
    held = dict(in_parallel(held_by, programs))
    everything = set().union(*held.values())
    if not everything:
        raise elsewhere(f"nothing of kernels/ can be taken away in {os.path.dirname(programs[0])}")
    own = [program for program in programs if not ops or os.path.basename(program) in ops]
    used, listed = survey(own), read_list()
    chosen = sorted(set().union(*(mutants for mutants, _ in used.values())) if ops else everything, key=by_numbers)
    if not chosen:
        raise SystemExit(f"mutants: the kernels that the cases of {' and '.join(ops)} use have no synchronisation")
    if wanted:
        chosen = sorted(set(chosen) - set(listed), key=lambda mutant: drawn_number(f"{mutant}\n"))[:wanted]
    others = [program for program in programs if program not in own and held[program] & set(chosen)]
    used |= survey(others)

    results = {}
    for mutant, result in in_parallel(lambda mutant: judge(mutant, used, schedules, mutant in listed), chosen):
        results[mutant] = word, program, case, _, how = result
        print_line(word, mutant, program, case, how)
    # Lines move: a list that names what is not there is out of date.
    stale = [] if ops else [mutant for mutant in listed if mutant not in everything]
    for mutant in stale:
        print(f"NOWHERE, BUT LISTED AS EQUIVALENT: {mutant}")
    if page:
        write_page(page, HEAD.format(command=command("mutants", SETTINGS)), [row(m, results[m], listed.get(m, "")) for m in sorted(results, key=by_numbers)])
    return conclude([word for word, *_ in results.values()], "equivalent", "not noticed", stale)


if __name__ == "__main__":
    run_main("mutants", main, "stopped")
