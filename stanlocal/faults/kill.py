"""Kill: end processes by a signal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from stanlocal.engine.base import Ability, require
from stanlocal.errors import SettingsError
from stanlocal.faults.base import Fault, Scene, must_run
from stanlocal.faults.expectation import Expectation, after_end
from stanlocal.faults.parameters import parameter
from stanlocal.model.fault_record import Condition
from stanlocal.model.states import GroupStatus, NodeStatus
from stanlocal.util.tasks import all_to_end

ENDING_SIGNALS = frozenset({"SIGKILL", "SIGTERM", "SIGINT", "SIGQUIT", "SIGABRT"})
"""The signals that end a server; others make it reload, reopen its log, or nothing."""
_SENT_BY_ALL = frozenset({"SIGKILL", "SIGTERM"})
"""The signals that every engine can send."""


@dataclass(frozen=True, slots=True)
class Kill(Fault):
    """An end by a signal, SIGKILL by default: the server cannot react, the kernel frees its store lock."""

    name: ClassVar[str] = "kill"
    summary: ClassVar[str] = "end a node's process at once (SIGKILL, or another signal that ends it)"
    needs: ClassVar[tuple[Ability, ...]] = ("end",)
    leaves: ClassVar[Condition | None] = "ended"
    ends_run: ClassVar[bool] = True

    signal: str = parameter("SIGKILL", "--signal", "KILL, TERM, INT, QUIT or ABRT", "NAME")

    def __post_init__(self) -> None:
        if self.signal not in ENDING_SIGNALS:
            raise SettingsError(
                [f"{self.signal} does not end a server; give {', '.join(sorted(ENDING_SIGNALS))}"]
            )

    def check(self, scene: Scene) -> None:
        if self.signal not in _SENT_BY_ALL:
            require(scene.group.engine, ("signal",))
        must_run(scene)

    def expect(self, status: GroupStatus, targets: Sequence[NodeStatus]) -> Expectation:
        return after_end(status, targets)

    async def inject(self, scene: Scene) -> Mapping[str, datetime]:
        group, targets = scene.group, scene.targets
        times = await all_to_end(*(group.kill(node.name, self.signal) for node in targets))
        return {node.name: time for node, time in zip(targets, times, strict=True)}
