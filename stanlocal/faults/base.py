"""What a fault is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from stanlocal.errors import NodeNotFound, Refused
from stanlocal.faults.expectation import Expectation
from stanlocal.group.core import Group
from stanlocal.model.fault_record import Condition, FaultRecord
from stanlocal.model.plan import GroupPlan
from stanlocal.model.states import GroupStatus, NodeStatus


@dataclass(frozen=True, slots=True)
class Scene:
    """What a fault finds when it is injected."""

    group: Group
    plan: GroupPlan
    status: GroupStatus
    targets: Sequence[NodeStatus]
    note: Callable[[Mapping[str, Any]], None]
    """Puts what `undo` will need on record, before the step that makes it needed."""


class Fault(ABC):
    """One kind of fault with its parameters; stateless otherwise."""

    __slots__ = ()

    name: ClassVar[str]
    """As commands, the journal and drills call it."""
    summary: ClassVar[str]
    """One line for people."""
    leaves: ClassVar[Condition | None]
    """What has to be put right afterwards; None for a fault that ends by itself."""
    ends_run: ClassVar[bool] = False
    """Whether the processes that it hits are to end by it."""
    costs_data: ClassVar[str | None] = None
    """What of the store can be lost by it, as people are asked; None: nothing."""
    default_targets: ClassVar[tuple[str, ...]] = ("@active",)
    """Whom it hits where nobody is named."""

    def check(self, scene: Scene) -> None:  # noqa: B027 - most faults can always be
        """Raises `Refused` where the fault cannot be; nothing is touched before."""

    @abstractmethod
    def expect(self, status: GroupStatus, targets: Sequence[NodeStatus]) -> Expectation:
        """What will happen, from what the group is now. Pure."""

    @abstractmethod
    async def inject(self, scene: Scene) -> Mapping[str, datetime]:
        """Does it; returns, once the engine confirms the effect, when each target was hit."""

    @classmethod
    async def undo(cls, group: Group, fault: FaultRecord, nodes: Collection[str]) -> None:
        """Puts `nodes` right again, whether the fault was injected wholly, half or not at all."""
        await recover(group, fault.leaves or "ended", nodes)


async def recover(group: Group, condition: Condition, nodes: Collection[str]) -> None:
    """Ends what faults leave behind; nodes that are gone or were put right meanwhile are left alone."""
    plan, _ = await group.find()
    for name in sorted(nodes):
        with suppress(NodeNotFound):
            match condition:
                case "ended":
                    if not (await group.instance(name)).running:
                        await group.start(name)
                case "frozen":
                    await group.engine.unpause(name)
                case "unrouted" | "isolated":
                    await group.engine.rejoin(plan, name)


def must_run(scene: Scene) -> None:
    """For faults that only a process can suffer."""
    for node in scene.targets:
        if not node.instance.running:
            raise Refused(f"{node.name} does not run ({node.state.value}); see 'stanlocal status'")
