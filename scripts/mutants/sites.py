"""The small mistakes that can be made in the device code of kernels: one operator, constant or index another."""

import re
from collections import Counter
from dataclasses import dataclass

OTHER = {
    "+": "-", "-": "+", "*": "/", "/": "*", "%": "/",
    "+=": "-=", "-=": "+=", "*=": "/=", "/=": "*=",
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==",
    "&&": "||", "||": "&&",
    "&": "|", "|": "&", "^": "|", "<<": ">>", ">>": "<<",
    "&=": "|=", "|=": "&=", "^=": "|=", "<<=": ">>=", ">>=": "<<=",
    "min": "max", "max": "min", "fminf": "fmaxf", "fmaxf": "fminf",
    "x": "y", "y": "x", "z": "x",
}  # fmt: skip

# As clang-format sets them: an operator between two operands stands between blanks; brackets of templates, pointers
# and references do not. A number beside a bracket is an argument of a template. Masks are hexadecimal: they are for
# PTXI_MUTATE.
BINARY = r"(?<=\s)(?:(?:<<|>>|[-+*/&|^<>=!])=|&&|\|\||<<|>>|[-+*/%&|^<>])(?=\s)"
NEGATION = r"(?<=[\s(])-(?=[A-Za-z(])"
CHOICE = r"\b(?:min|max|fminf|fmaxf)(?=\()"
INDEX = r"(?<=Idx\.|Dim\.)[xyz]\b"
NUMBER = r"(?<![\w.<'])\d+(?:\.\d+)?(?:e[-+]?\d+)?[fu]?(?![\w.>'])"
SITE = re.compile(f"(?P<other>{BINARY}|{CHOICE}|{INDEX})|(?P<negation>{NEGATION})|(?P<number>{NUMBER})")


@dataclass(frozen=True)
class Mutant:
    """A line of a file before and after the change; `nth` of the lines that read so."""

    file: str
    nth: int
    before: str
    after: str

    @property
    def place(self):
        return self.file + (f"#{self.nth}" if self.nth > 1 else "")


def mutant_at(place, before, after):
    file, _, nth = place.partition("#")
    return Mutant(file, int(nth or 1), before, after)


@dataclass
class Site:
    """Where in the file's text a mutant has what instead."""

    line: int
    begin: int
    end: int
    text: str


def blanked(pattern, code):
    return re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m[0]), code, flags=re.S)


def closing(code, at):
    """Behind the bracket that closes the one at `at`."""
    depth = 0
    for bracket in re.compile(r"[(){}]").finditer(code, at):
        depth += 1 if bracket[0] in "({" else -1
        if depth == 0:
            return bracket.end()
    raise ValueError("a bracket is not closed")


def device_spans(text):
    """The code without comments and the like, and in it the bodies of functions of the device, with what their
    constructors initialise."""
    code = blanked(r"//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|(?m:^ *#[^\n]*)", text)
    code = blanked(r"__launch_bounds__\([^()]*\)|static_assert\([^;]*;|operator\(\)", code)
    spans, end = [], 0
    for mark in re.finditer(r"\b(?:__global__|__device__|FERMION_HOST_DEVICE)\b", code):
        if mark.start() < end:
            continue
        begin = closing(code, code.index("(", mark.end()))
        # A brace behind a name belongs to what a constructor initialises, but for that of `const {`.
        body = re.compile(r"\s*(?:const\s*)?(?:\{|;|:.*?(?<=[)}])\s*\{)", re.S).match(code, begin)
        if body and code[body.end() - 1] == "{":
            end = closing(code, body.end() - 1)
            spans.append((begin, end))
    return code, spans


def changed(site):
    if site["negation"]:
        return ""
    if site["other"]:
        return OTHER[site[0]]
    digits, suffix = re.fullmatch(r"(.*?)([fu]?)", site[0]).groups()
    if digits.isdigit():
        return f"{int(digits) + 1}{suffix}"
    return f"{2 * float(digits) or 1.0}{suffix}"


def mutants_of(file, text):
    """All mutants of a file, and how many of its lines are device code."""
    code, spans = device_spans(text)
    line_ends = [end.start() for end in re.finditer(r"\n|\Z", text)]
    nth, seen, lines = [], Counter(), text.split("\n")
    for line in lines:
        seen[line.strip()] += 1
        nth.append(seen[line.strip()])
    found = {}
    for begin, end in spans:
        for site in SITE.finditer(code, begin, end):
            line = code.count("\n", 0, site.start())
            start = line_ends[line - 1] + 1 if line else 0
            new = changed(site)
            after = text[start : site.start()] + new + text[site.end() : line_ends[line]]
            mutant = Mutant(file, nth[line], lines[line].strip(), after.strip())
            found.setdefault(mutant, Site(line + 1, site.start(), site.end(), new))
    return found, sum(len(re.findall(r"\S[^\n]*", code[begin:end])) for begin, end in spans)


def read_list(path):
    """{mutant: reason} of a file in which each is a place, the line before and after, marked as in a diff, and the
    reason, with an empty line between two."""
    listed, text = {}, re.sub(r"(?m)^#.*", "", path.read_text())
    for entry in re.finditer(r"\S.*(?:\n.*\S.*)*", text):
        place, *lines = entry[0].split("\n")
        if not re.fullmatch(r"[^#\s]+(#\d+)?", place) or [line[:2] for line in lines[:2]] != ["- ", "+ "]:
            at = 1 + text.count("\n", 0, entry.start())
            raise SystemExit(f"{path}:{at}: here should be the name of a file, a line '- ...' and a line '+ ...'")
        before, after, *reason = lines
        listed[mutant_at(place, before[2:].strip(), after[2:].strip())] = " ".join(reason)
    return listed
