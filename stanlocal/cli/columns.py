"""Plain aligned columns: a thousand rows cost milliseconds, which a rich table's do not."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

import click


def lines(heads: Sequence[str], rows: Iterable[Sequence[object]], right: Container[int] = ()) -> list[str]:
    """The head and the rows, each column as wide as its widest cell; `right` are columns of figures."""
    cells = [list(heads), *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def show(heads: Sequence[str], rows: Iterable[Sequence[object]], right: Container[int] = ()) -> None:
    """Prints them, the head in bold on a terminal."""
    head, *rest = lines(heads, rows, right)
    click.echo("\n".join([click.style(head, bold=True), *rest]))
