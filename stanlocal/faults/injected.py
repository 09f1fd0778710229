"""A fault that was injected, in the hands of whoever injected it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from stanlocal.errors import SettingsError
from stanlocal.faults import injection, outcome
from stanlocal.group.core import Group
from stanlocal.history.failovers import Failover
from stanlocal.model.fault_record import FaultRecord


def _ignore(record: FaultRecord) -> None:
    """No-op callback."""


@dataclass(frozen=True, slots=True)
class InjectedFault:
    """A fault whose effect the engine has confirmed."""

    _group: Group
    record: FaultRecord

    @property
    def name(self) -> str:
        """As the registry has it."""
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
        """The failover that the fault brings, once the next node is ready.

        Raises `WaitTimeout` after `timeout` seconds: a fault that takes no active node's process away
        brings none.
        """
        return await self._group.wait_failover(since=self.record.since, timeout=timeout)

    async def outcome(self, *, at_most: float | None = None) -> FaultRecord:
        """Looks on until what was expected has come about or not, and puts it on record.

        `.as_expected` says which; None when it is not decided after `at_most` seconds, or, without, after
        the time that the prediction gives itself.
        """
        return await outcome.watch_outcome(self._group, self.record, at_most=at_most)

    async def last(self, seen: Callable[[FaultRecord], object] = _ignore) -> FaultRecord:
        """Looks on as `outcome` does, and heals it when its time is up: for one injected with `for_s`.

        It is healed whatever happens: also when this is cancelled, or cannot look on. `seen` is given the
        record once it is decided what came of it, or its time is up. Returns the record of the healed fault.
        Raises `SettingsError` for a fault that has no end of its own.
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
            healed = await self.heal()
        return healed

    async def heal(self) -> FaultRecord:
        """Undoes it; nothing happens if it is over."""
        healed = await injection.heal(self._group, id_=self.record.id)
        return healed[0] if healed else injection.recorded(self._group, self.record.id)
