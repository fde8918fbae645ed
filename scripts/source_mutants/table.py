"""What was found, as a page."""

import datetime

HEAD = """# Kernels with one mistake, {date}

`make source-mutants TABLE=tests/mutants/source_results.md` wrote this page: of {tried} mutants that compile to other code,
{noticed} were noticed. A line is a line of the [kernels](../../kernels) as it was made to read; then the op and the case that
noticed it first, and as what: a report of [ptxi](../ptxi/README.md), a wrong result, or no end. The other cases were not asked.

| file | reads | op | case | as |
|---|---|---|---|---|
"""


def cell(text):
    return text.replace("|", "\\|")


def write_table(path, results):
    rows = []
    for mutant, (verdict, program, case, how, _) in sorted(results.of.items(), key=lambda item: str(item[0])):
        if verdict in ("noticed", "survived"):
            seen = f"{program} | {cell(case)} | {how}" if program else f"nothing | | {cell(results.listed.get(mutant, ''))}"
            rows.append(f"| {mutant.file} | `{cell(mutant.after)}` | {seen} |\n")
    date = datetime.date.today().isoformat()
    path.write_text(HEAD.format(date=date, tried=len(rows), noticed=results.count("noticed")) + "".join(rows))
