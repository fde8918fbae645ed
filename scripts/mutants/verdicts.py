"""What is the same of both kinds of mutants: the draw, the line for each, the page of them all, the last line."""

import datetime
import hashlib
import os
import re
import shlex
import sys


def seed():
    text = os.environ.get("SEED") or "1"
    if not re.fullmatch("[A-Za-z0-9]+", text):
        raise SystemExit(f"SEED: '{text}' is not of letters and digits alone")
    return text


def how_many(usual):
    text = os.environ.get("MUTANTS")
    if text and not re.fullmatch("[1-9][0-9]*", text):
        raise SystemExit(f"MUTANTS: '{text}' is no number of mutants")
    return int(text) if text else usual


def table():
    """The file for the page, or None."""
    path = os.environ.get("TABLE")
    if not path:
        return None
    new = not os.path.exists(path)
    try:
        open(path, "a").close()
    except OSError as error:
        raise SystemExit(f"TABLE: '{path}' cannot be written: {error.strerror}") from None
    if new:
        os.remove(path)
    return path


def command(target, settings):
    """As it was typed."""
    return " ".join(
        [f"make {target}"] + [f"{name}={shlex.quote(os.environ[name])}" for name in settings if os.environ.get(name)]
    )


def drawn_number(text):
    """For a mutant: by a hash, so that a change of some mutants leaves the draw of the others as it was."""
    return int.from_bytes(hashlib.sha1(f"{seed()} {text}".encode()).digest()[:8], "big")


def say(text):
    """How far it is: no part of what was found."""
    print(text, file=sys.stderr, flush=True)


def how_many_of(number, what):
    return f"{number} {what}{'s' if number != 1 else ''}"


def print_line(word, what, op, case, how, after=""):
    noticed = f"{op}, {case}: {how}" if op else ""
    print(f"{word:10} {what:68} {noticed}{after}".rstrip(), flush=True)


def write_page(path, head, rows):
    """Of Markdown, with a row for each mutant."""
    lines = (" ".join(["|"] + [cell.replace("|", "\\|") + " |" if cell else "|" for cell in row]) for row in rows)
    with open(path, "w") as page:
        page.write(head.format(date=datetime.date.today().isoformat()) + "\n".join([*lines, ""]))


def conclude(words, listed, missed, stale):
    """The last line, and the exit status: `listed` and `missed` are the words for those that nobody noticed."""
    counts = words.count("noticed"), words.count(listed)
    wrong = len(words) - sum(counts)
    print(f"{counts[0]} noticed, {counts[1]} {listed}, {wrong} {missed}")
    return bool(wrong or stale or not words)
