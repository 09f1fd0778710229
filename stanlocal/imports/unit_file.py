"""Files of sections and assignments, such as systemd's units. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from stanlocal.imports.flags import Word
from stanlocal.imports.given_files import GivenFile
from stanlocal.imports.import_result import Found
from stanlocal.natsconf import Place

_SECTION = re.compile(r"\[([A-Za-z][^\]\s]*)\]\s*")
_WORD = re.compile(r"""\s*((?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')+)""", re.DOTALL)
_QUOTED = re.compile(r"[\"'\\]")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_PIECE = re.compile(r"""(\\.)|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\\"']+)""", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "s": " "}
_VARIABLE = re.compile(r"\$\$|\$\{([A-Za-z_]\w*)\}|\$([A-Za-z_]\w*)")
_SPECIFIER = re.compile(r"%(.)")
_COMMENT = re.compile(r"\s[;#]")
_MOST_LINES = 10_000
LONGEST = 1 << 18
"""Number of characters that the variables of a command line may come to."""


@dataclass(frozen=True, slots=True)
class Line:
    """One assignment."""

    section: str
    name: str
    value: str
    place: Place


def first_section(text: str) -> str:
    """Return the name of the section that the text begins with; empty if it begins with something else."""
    for line in text[:LONGEST].splitlines():
        if line.strip() and line.strip()[0] not in "#;":
            match = _SECTION.fullmatch(line.strip())
            return match[1] if match is not None else ""
    return ""


def lines(file: GivenFile, found: Found, *, indented: bool = False) -> Iterator[Line]:
    """Yield the assignments of a file, continued lines joined.

    A line is continued by a backslash at its end; with `indented`, as in supervisord, by blanks at the
    beginning of the next one, and a comment may follow a value.
    """
    rows = file.text.splitlines()
    if len(rows) > _MOST_LINES:
        found.problem(file.start, f"there are more than {_MOST_LINES} lines")
        return
    section = ""
    for place, text in _joined(rows, file, indented=indented):
        if match := _SECTION.fullmatch(text):
            section = match[1]
            continue
        name, equals, value = text.partition("=")
        if not equals:
            found.problem(place, "this line is neither a section nor NAME=value")
            return
        yield Line(section, name.strip(), value.strip(), place)


def _joined(rows: Sequence[str], file: GivenFile, *, indented: bool) -> Iterator[tuple[Place, str]]:
    """Yield the lines that count, continued ones joined, each with its place."""
    parts: list[str] = []
    place = file.start
    for number, row in enumerate(rows, 1):
        text = (_COMMENT.split(row, maxsplit=1)[0] if indented else row).strip()
        if text[:1] in ("#", ";") or (not text and (indented or not parts)):
            continue
        if indented and parts and not row[0].isspace():
            yield place, " ".join(parts)
            parts = []
        if not parts:
            place = Place(file.name, number, 1)
        parts.append(text if indented else text.removesuffix("\\"))
        if not indented and not text.endswith("\\"):
            yield place, " ".join(parts)
            parts = []
    if parts and indented:
        yield place, " ".join(parts)


def words(text: str) -> Iterator[str]:
    """Yield the words of a value, without their quotes."""
    for match in _WORD.finditer(text):
        yield _plain(match[1])


def _plain(word: str) -> str:
    if not _QUOTED.search(word):
        return word
    return "".join(
        each[4] or _ESCAPED.sub(lambda one: _ESCAPES.get(one[1], one[1]), each[2] or each[3] or each[1] or "")
        for each in _PIECE.finditer(word)
    )


def expanded(
    text: str, unit: GivenFile, variables: Mapping[str, str], line: Line, *, literal: bool
) -> Iterator[Word]:
    """Yield the words with variables filled in as systemd does: `$NAME` alone is split, `${NAME}` is not."""
    left = LONGEST
    for match in _WORD.finditer(text):
        raw, missing = _specified(_plain(match[1]), unit)
        if "$" not in raw or literal:
            yield Word(raw, line.place, missing)
            continue
        only = re.fullmatch(r"\$([A-Za-z_]\w*)", raw)
        if only:
            value = variables.get(only[1])
            if value is None:  # systemd leaves the word out
                yield Word("?", line.place, only[1])
            left -= len(value or "")
            yield from (Word(word, line.place) for word in words(value or "") if left >= 0)
            continue

        def replaced(each: re.Match[str]) -> str:
            nonlocal missing, left
            name = each[1] or each[2]
            if each[0] == "$$":
                return "$"
            if each[2]:  # within a word only the braced form counts
                return each[0]
            value = variables.get(name, "")
            missing = missing or ("" if name in variables else name)
            left -= len(value)
            return value if left >= 0 else ""

        yield Word(_VARIABLE.sub(replaced, raw), line.place, missing)


def _specified(word: str, unit: GivenFile) -> tuple[str, str]:
    """Return the word with its specifiers, as far as the unit's name has them, and the first other one."""
    if "%" not in word:
        return word, ""
    missing = ""
    full = unit.name.rpartition("/")[2]
    name = full.rpartition(".")[0] or full
    prefix, at, instance = name.partition("@")
    known = {"%": "%", "n": full, "N": name, "p": prefix, "P": prefix}
    if at and instance:
        known |= {"i": instance, "I": instance}

    def replaced(match: re.Match[str]) -> str:
        nonlocal missing
        if match[1] not in known:
            missing = missing or f"%{match[1]}"
        return known.get(match[1], "?")

    return _SPECIFIER.sub(replaced, word), missing
