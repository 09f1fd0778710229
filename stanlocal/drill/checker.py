"""From a ledger to what it says. Pure."""

from __future__ import annotations

from stanlocal.drill.findings import Findings
from stanlocal.drill.reading import LedgerReading


def check(reading: LedgerReading) -> Findings:
    """What the ledger says, in one pass over it."""
    raise NotImplementedError
