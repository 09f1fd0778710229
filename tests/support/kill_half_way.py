"""Injects a fault and ends itself by SIGKILL half way, as an out-of-memory killer would.

    python -m tests.support.kill_half_way GROUP FAULT RECORD

RECORD is the type of the journal's record before which it dies: `fault` is written, `effect` (after the
injection) is not; with `note` it dies in the middle of a fault that takes several steps. With `copy` it
dies while it copies the store, for which the nodes are frozen.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from stanlocal.api import FTGroup
from stanlocal.faults.registry import FAULTS
from stanlocal.group import store_snapshots
from stanlocal.history.journal import Journal
from stanlocal.history.records import Record
from stanlocal.store.guard import drafts


def main(group: str, fault: str, record_type: str) -> None:
    append = Journal.append

    def die_before(journal: Journal, record: Record) -> None:
        if record.type == record_type:
            os.kill(os.getpid(), signal.SIGKILL)
        append(journal, record)

    def die_copying(store: Path, to: Path) -> int:
        drafts.of_copy(to).mkdir(parents=True)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("SIGKILL is not survived")

    Journal.append = die_before  # type: ignore[method-assign, assignment]
    if record_type == "copy":
        store_snapshots.copy_store = die_copying  # type: ignore[attr-defined]
    asyncio.run(FTGroup(group=group).inject(FAULTS[fault]()))


if __name__ == "__main__":
    main(*sys.argv[1:])
