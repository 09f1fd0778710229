"""`FaultMethods`: the methods of `FTGroup` that act on nodes.

Each returns once the engine confirms the effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stanlocal.model.plan import STOP_GRACE_S

if TYPE_CHECKING:  # what only some faults need is loaded by the methods that inject them
    from stanlocal.faults.base import Fault
    from stanlocal.faults.injected_fault import InjectedFault
    from stanlocal.group.core import Group
    from stanlocal.model.fault_record import FaultRecord


class FaultMethods:
    """Methods that act on nodes; targets are names, indexes, `@active`, `@standby`, `@all`."""

    async def _group(self) -> Group:
        raise NotImplementedError

    async def kill(self, *targets: str, signal: str = "SIGKILL") -> InjectedFault:
        """End the targets' processes by a signal; `SettingsError` for one that does not end a server."""
        from stanlocal.faults.kill import Kill

        return await self.inject(Kill(signal), *targets)

    async def send_signal(self, signal: str, *targets: str) -> None:
        """Send a signal that does not end a server (SIGHUP: reload, SIGUSR1: reopen the log); no fault."""
        from stanlocal.faults import injection

        await injection.send_signal(await self._group(), targets, signal)

    async def stop(self, *targets: str, timeout: float = STOP_GRACE_S) -> InjectedFault:
        """Send SIGTERM, and SIGKILL after `timeout` seconds; a node that does not run is left alone.

        On a cluster a pod has at most its own grace; a longer time is logged and not waited for.
        """
        from stanlocal.faults.stop import Stop

        return await self.inject(Stop(timeout), *targets)

    async def restart(self, *targets: str, timeout: float = STOP_GRACE_S) -> InjectedFault:
        """Stop and start the targets, one after the other."""
        from stanlocal.faults.stop import Restart

        return await self.inject(Restart(timeout), *targets)

    async def pause(self, *targets: str) -> InjectedFault:
        """Freeze the targets; an active one keeps the store lock, which blocks the group."""
        from stanlocal.faults.pause import Pause

        return await self.inject(Pause(), *targets)

    async def unpause(self, *targets: str) -> None:
        """Resume frozen targets."""
        from stanlocal.faults import healing

        await healing.unpause(await self._group(), targets)

    async def start(self, *targets: str) -> None:
        """Start targets that do not run."""
        from stanlocal.faults import healing

        await healing.start(await self._group(), targets)

    async def partition(self, *targets: str) -> InjectedFault:
        """Cut the targets' routes; clients still reach them, and an active one keeps the store lock."""
        from stanlocal.faults.cut import Partition

        return await self.inject(Partition(), *targets)

    async def isolate(self, *targets: str) -> InjectedFault:
        """Cut the targets off from nodes and clients; an active one keeps the store lock."""
        from stanlocal.faults.cut import Isolate

        return await self.inject(Isolate(), *targets)

    async def rolling_restart(self, *targets: str, timeout: float = STOP_GRACE_S) -> InjectedFault:
        """Restart the targets (by default all) one by one, the active node last."""
        from stanlocal.faults.stop import RollingRestart

        return await self.inject(RollingRestart(timeout), *targets)

    async def expire_lock(self, *targets: str) -> InjectedFault:
        """Let the active node (by default) lose its lock unawares: two actives until it is healed."""
        from stanlocal.faults.expire_lock import ExpireLock

        return await self.inject(ExpireLock(), *targets)

    async def inject(self, fault: Fault, *targets: str, for_s: float | None = None) -> InjectedFault:
        """Inject any fault of `stanlocal.faults`.

        With `for_s` it is to end that many seconds after its effect: `InjectedFault.wait_and_heal` heals it
        then, or else the next call or command that changes the group.
        """
        from stanlocal.faults import injection
        from stanlocal.faults.injected_fault import InjectedFault

        group = await self._group()
        return InjectedFault(group, await injection.inject(group, fault, targets, for_s=for_s))

    async def heal(self, *targets: str) -> list[FaultRecord]:
        """Undo the faults in force on the targets, or all without targets; return those faults."""
        from stanlocal.faults import healing

        return await healing.heal(await self._group(), targets)

    async def put_store_back(self, snapshot: str) -> str:
        """Stop the nodes, restore the snapshot into the store, and start the nodes again.

        A fault that can lose data takes one before: `record.notes["snapshot"]`. Returns the name of a
        snapshot of the store's content before.
        """
        from stanlocal.faults import healing

        return await healing.put_store_back(await self._group(), snapshot)

    async def repair_store(self) -> str:
        """Drop a torn last record from the store, then start all nodes; they must all be stopped.

        One node does it, once, by the server's own `-file_truncate_bad_eof`. Returns the server's log line.
        """
        from stanlocal.faults import healing

        return await healing.repair_store(await self._group())

    async def faults(self) -> list[FaultRecord]:
        """Return every fault on record, with prediction and observed outcome, oldest first."""
        from stanlocal.faults import outcome

        return await outcome.with_outcomes(await self._group())
