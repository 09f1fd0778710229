"""Group documents on standard output: aligned, states in colour on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stanlocal.cli import columns, printing
from stanlocal.model import group_text
from stanlocal.model.group_text import styled

NODE_COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "red")


def group(document: Mapping[str, Any], usage: Mapping[str, tuple[float, int]] | None = None) -> None:
    """Print the group document; `usage` has each running node's CPU share and resident bytes."""
    for line in group_text.heading(document):
        printing.echo(*line)
    heads, rows = group_text.table(document, usage)
    columns.show(heads, rows, right=group_text.FIGURES)
    for line in group_text.notes(document):
        printing.echo(*line)


def groups(documents: Sequence[Mapping[str, Any]]) -> None:
    """Print one line for each group; client addresses are folded on a terminal."""
    rows = [
        (
            document["group"],
            styled(document["state"]),
            document["active"] or "-",
            len(document["nodes"]),
            ",".join(document["client_urls"]),
        )
        for document in documents
    ]
    columns.show(("GROUP", "STATE", "ACTIVE", "NODES", "CLIENTS"), rows, folded=4)
