"""What was found of source mutants, as it is kept and as a page."""

import csv
import pathlib

from sites import mutant_at, read_list
from verdicts import command, write_page

LIST = pathlib.Path("tests/mutants/source_equivalent.txt")
SETTINGS = ["OP", "HEADERS", "MUTANTS", "SEED", "ONLY", "TABLE"]
HEAD = """# Kernels with one mistake, {{date}}

`{command}` wrote this page. Of {tried} mistakes that compile to other code, {noticed} were noticed ({of_all:.3g} %){and_explained}.
A line is a line of the [kernels](../../kernels) as it was made to read; then the op and the case that
noticed it first, and as what: a report of [ptxi](../ptxi/README.md), a wrong result, a crash, or no end. The other cases were not asked.

| file | reads | op | case | as |
|---|---|---|---|---|
"""
EXPLAINED = """ and
{explained} are explained: they compute the same, or what nobody could tell from it, and each has its reason. Of those that could be noticed, {of_possible:.3g} % were"""


class Results:
    """A line for each mutant that was tried, and what becomes of it by the list."""

    def __init__(self, path, order):
        self.path, self.of, self.listed = path, {}, read_list(LIST)
        if path.exists():
            with path.open(newline="") as file:
                self.of = {mutant_at(*line[:3]): tuple(line[3:]) for line in csv.reader(file, delimiter="\t")}
        self.of = {m: result for m, result in self.of.items() if m in order and self.word(m) != "SURVIVED"}

    def add(self, mutant, result):
        self.of[mutant] = result
        with self.path.open("a", newline="") as file:
            csv.writer(file, delimiter="\t").writerow([mutant.place, mutant.before, mutant.after, *result])

    def word(self, mutant):
        verdict, listed = self.of[mutant][0], mutant in self.listed
        if verdict == "survived":
            return "explained" if listed else "SURVIVED"
        return "NOTICED, BUT EXPLAINED AWAY" if listed and verdict == "noticed" else verdict

    def words(self):
        """Of those that compile to other code."""
        return [self.word(mutant) for mutant, result in self.of.items() if result[0] in ("noticed", "survived")]

    def write_page(self, path):
        words, rows = self.words(), []
        noticed, explained = words.count("noticed"), words.count("explained")
        for mutant, (verdict, program, case, how, _) in sorted(self.of.items(), key=lambda item: str(item[0])):
            if verdict in ("noticed", "survived"):
                seen = [program, case, how] if program else ["nothing", "", self.listed.get(mutant, "")]
                rows.append([mutant.file, f"`{mutant.after}`", *seen])
        of_possible = 100 * noticed / max(1, len(rows) - explained)
        head = HEAD.format(
            command=command("source-mutants", SETTINGS),
            tried=len(rows),
            noticed=noticed,
            of_all=100 * noticed / max(1, len(rows)),
            and_explained=EXPLAINED.format(explained=explained, of_possible=of_possible) if explained else "",
        )
        write_page(path, head, rows)
