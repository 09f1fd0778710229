"""Plain aligned columns: names and states are never cut, long lists are folded for people. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from stanlocal.util.printable import width
from stanlocal.util.styled import Part, Styled

_GAP = "  "
_LEAST_FOLDED = 24
"""Least width of a folded column, in cells, however narrow the terminal is."""


def lines(
    heads: Sequence[str],
    rows: Iterable[Sequence[Part]],
    right: Container[int] = (),
    folded: int | None = None,
    most: int | None = None,
) -> list[list[Part]]:
    """Return the head and the rows as parts of lines, each column as wide as its widest cell.

    `right` are columns of figures. `folded` is the last column, of lists with commas: they go on in the next
    line where the row would be wider than `most` cells.
    """
    table: list[list[Part]] = [[Styled(head, "bold") for head in heads], *([*row] for row in rows)]
    widths = [max(width(str(cell)) for cell in column) for column in zip(*table, strict=True)]
    made: list[list[Part]] = []
    for row in table:
        before = sum(widths[:-1]) + len(_GAP) * (len(widths) - 1)
        last: list[Part] = [row[-1]]
        if folded is not None and most is not None and row is not table[0]:
            last = [*_folded(str(row[-1]), max(most - before, _LEAST_FOLDED))]
        made.append(_line([*row[:-1], last[0]], widths, right))
        made += [[" " * before, more] for more in last[1:]]
    return made


def _line(row: Sequence[Part], widths: Sequence[int], right: Container[int]) -> list[Part]:
    parts: list[Part] = []
    filling = ""
    for number, (cell, column) in enumerate(zip(row, widths, strict=True)):
        blank = " " * (column - width(str(cell)))
        if number in right:
            parts += [filling + blank, cell] if str(cell) else []
            filling = _GAP if str(cell) else filling + blank + _GAP
        else:
            parts += [filling, cell] if str(cell) else []
            filling = blank + _GAP if str(cell) else filling + blank + _GAP
    return parts


def _folded(text: str, most: int) -> list[str]:
    """Return a comma-separated list folded into lines of at most `most` cells; items stay whole."""
    found = [""]
    for number, item in enumerate(text.split(",")):
        joined = f"{found[-1]},{item}" if number else item
        if number and width(joined) > most:
            found[-1] += ","
            found.append(item.lstrip())
        else:
            found[-1] = joined
    return found
