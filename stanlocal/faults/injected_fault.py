"""`InjectedFault`: the caller's handle on a fault that was injected."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from stanlocal.errors import SettingsError
from stanlocal.faults import healing, injection, outcome
from stanlocal.group.core import Group
from stanlocal.history.failovers import Failover
from stanlocal.model.fault_record import FaultRecord
from stanlocal.util.tasks import run_to_end


def _ignore(record: FaultRecord) -> None:
    """No-op callback."""


@dataclass(frozen=True, slots=True)
class InjectedFault:
    """A fault whose effect the engine has confirmed."""

    _group: Group
    record: FaultRecord

    @property
    def name(self) -> str:
        """Name of the fault in the registry."""
        return self.record.name

    @property
    def targets(self) -> tuple[str, ...]:
        """The nodes that it hit."""
        return self.record.targets

    @property
    def expected(self) -> str | None:
        """The prediction made before the fault was injected."""
        return self.record.expected

    async def failover(self, *, timeout: float = 10.0) -> Failover:
        """Return the failover that the fault causes, once the next node is ready.

        Raises `WaitTimeout` after `timeout` seconds: a fault that does not end an active node's process
        causes none.
        """
        return await self._group.wait_failover(since=self.record.since, timeout=timeout)

    async def outcome(self, *, at_most: float | None = None) -> FaultRecord:
        """Wait until the prediction is confirmed or refuted, and record the outcome.

        `.as_expected` says which; None if undecided after `at_most` seconds, by default the prediction's
        own time limit.
        """
        return await outcome.watch_outcome(self._group, self.record, at_most=at_most)

    async def wait_and_heal(self, seen: Callable[[FaultRecord], object] = _ignore) -> FaultRecord:
        """Wait as `outcome` does, then heal the fault when its time is up; for a fault injected with `for_s`.

        The fault is always healed, also on errors and however often the call is cancelled. `seen` is called
        with the record once the outcome is decided or the time is up. Return the record of the healed fault.
        Raise `SettingsError` for a fault without an end.
        """
        until = self.record.until
        if until is None:
            raise SettingsError([f"{self.name} has no end of its own: inject it with 'for_s', or heal it"])
        clock = asyncio.get_running_loop().time
        end = clock() + (until - datetime.now(UTC)).total_seconds()
        try:
            seen(await self.outcome(at_most=max(0.0, end - clock())))
            await asyncio.sleep(end - clock())
        finally:
            healed = await run_to_end(self.heal())
        return healed

    async def heal(self) -> FaultRecord:
        """Undo the fault and return its record; do nothing if it is over."""
        healed = await healing.heal(self._group, id_=self.record.id)
        return healed[0] if healed else injection.recorded(self._group, self.record.id)
