"""A fault that was injected, in the hands of whoever injected it."""

from __future__ import annotations

from dataclasses import dataclass

from stanlocal.failovers import Failover
from stanlocal.group import Group
from stanlocal.journal import FaultRecord


@dataclass(frozen=True, slots=True)
class InjectedFault:
    """A fault whose effect the engine has confirmed."""

    group: Group
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
        """What was predicted."""
        return self.record.expected

    async def failover(self, *, timeout: float = 10.0) -> Failover:
        """The failover that the fault brings, once the next node is ready.

        Raises `WaitTimeout` after `timeout` seconds: a fault that takes no active node's process away
        brings none.
        """
        return await self.group.wait_failover(since=self.record.since, timeout=timeout)
