"""Tables on standard output, folded to the width of the terminal."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from stanlocal.cli import printing
from stanlocal.util.columns import lines
from stanlocal.util.printable import printable
from stanlocal.util.styled import Part, Styled


def show(
    heads: Sequence[str],
    rows: Iterable[Sequence[Part]],
    right: Container[int] = (),
    folded: int | None = None,
) -> None:
    """Print a table (see `lines`), folded to the width of the terminal, if there is one."""
    terminal = printing.is_terminal()
    most = None
    if terminal:  # an escaped character is wider, so cells are escaped before they are measured
        from shutil import get_terminal_size

        rows = [[_escaped(cell) for cell in row] for row in rows]
        most = get_terminal_size().columns
    for line in lines(heads, rows, right, folded, most):
        printing.echo(*line)


def _escaped(cell: Part) -> Part:
    text = printable(str(cell))
    return Styled(text, cell.style) if isinstance(cell, Styled) else text
