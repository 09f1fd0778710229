"""Injects a fault and ends itself by SIGKILL half way, as an out-of-memory killer would.

    python -m tests.support.kill_half_way GROUP FAULT RECORD

RECORD is the type of the journal's record before which it dies: `fault` is written, `effect` (after the
injection) is not; with `note` it dies in the middle of a fault that takes several steps.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from stanlocal.api import FTGroup
from stanlocal.faults.registry import FAULTS
from stanlocal.history.journal import Journal, Record


def main(group: str, fault: str, record_type: str) -> None:
    append = Journal.append

    def die_before(journal: Journal, record: Record) -> None:
        if record.type == record_type:
            os.kill(os.getpid(), signal.SIGKILL)
        append(journal, record)

    Journal.append = die_before  # type: ignore[method-assign, assignment]
    asyncio.run(FTGroup(group=group).inject(FAULTS[fault]()))


if __name__ == "__main__":
    main(*sys.argv[1:])
