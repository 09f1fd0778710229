"""Sequences that a store holds twice, as a kill between a server's two writes leaves them."""

from __future__ import annotations

import re
from pathlib import Path

from stanlocal.store.verify.problems import Kind
from stanlocal.store.verify.store import verify

_SEQUENCE = re.compile(r"sequence (\d+) comes after")


def overlaps(store: Path) -> dict[str, int]:
    """Return the first sequence that comes twice, by channel; nothing of a store that was not kept."""
    found: dict[str, int] = {}
    if store.is_dir():
        for problem in verify(store).problems:
            match = _SEQUENCE.match(problem.detail)
            if problem.kind is Kind.SEQUENCE_OVERLAP and match is not None:
                found.setdefault(problem.file.rpartition("/")[0], int(match[1]))
    return found
