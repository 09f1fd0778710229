"""The base class of faults, and the recovery of what faults leave behind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from stanlocal.engine.base import Ability, require
from stanlocal.errors import EngineUnavailable, GroupNotFound, NodeNotFound, Refused, StanlocalError
from stanlocal.faults.expectation import Expectation
from stanlocal.group.core import Group
from stanlocal.model.fault_record import Condition, FaultRecord
from stanlocal.model.plan import GroupPlan
from stanlocal.model.states import GroupStatus, NodeStatus


@dataclass(frozen=True, slots=True)
class Scene:
    """The group as a fault finds it at its injection."""

    group: Group
    plan: GroupPlan
    status: GroupStatus
    targets: Sequence[NodeStatus]
    note: Callable[[Mapping[str, Any]], None]
    """Records facts that `undo` will need; called before the step that makes them necessary."""


class Fault(ABC):
    """One kind of fault with its parameters; stateless otherwise."""

    __slots__ = ()

    name: ClassVar[str]
    """Name of the fault in commands, the journal and drills."""
    summary: ClassVar[str]
    """One line for people."""
    leaves: ClassVar[Condition | None]
    """Condition that healing has to end; None for a fault that ends by itself."""
    ends_run: ClassVar[bool] = False
    """Whether it ends the processes that it hits."""
    in_store: ClassVar[bool] = False
    """Whether its damage is in the store, which stays when the nodes are removed."""
    holds: ClassVar[bool] = False
    """Whether the nodes that it ends stay so also on an engine that starts them again by itself."""
    costs_data: ClassVar[str | None] = None
    """Data-loss warning shown before injection; None: no data can be lost."""
    needs: ClassVar[tuple[Ability, ...]]
    """Abilities that the engine must have for it and for its undoing."""
    default_targets: ClassVar[tuple[str, ...]] = ("@active",)
    """Targets where the caller names none."""

    def check(self, scene: Scene) -> None:  # noqa: B027 - most faults are always possible
        """Raise `Refused` or `Unsupported` if the fault is impossible here; nothing is touched before."""

    async def try_out(self, scene: Scene) -> None:  # noqa: B027 - most faults need no trial
        """Raise `Unsupported` if a trial shows that the engine cannot do it; the nodes are left alone."""

    @abstractmethod
    def expect(self, status: GroupStatus, targets: Sequence[NodeStatus]) -> Expectation:
        """Return the prediction for this status. Pure."""

    @abstractmethod
    async def inject(self, scene: Scene) -> Mapping[str, datetime]:
        """Inject the fault; return the time each target was hit, once the engine confirms the effect.

        Ended by an error or a cancellation, it leaves nothing under way: it is undone right afterwards.
        """

    @classmethod
    async def undo(cls, group: Group, fault: FaultRecord, nodes: Collection[str]) -> None:
        """Recover `nodes`, whether the fault was injected completely, partly or not at all."""
        await recover(group, fault.leaves or "ended", nodes)


async def recover(group: Group, condition: Condition, nodes: Collection[str]) -> None:
    """End a condition on the nodes; skip nodes that are gone or already recovered.

    A node that cannot be recovered keeps no other from it: its error is raised in the end.
    """
    plan, _ = await group.find()
    if condition == "ended":
        await group.engine.release(plan, sorted(nodes))
    failed: list[StanlocalError] = []
    for name in sorted(nodes):
        with kept_for_the_end(failed), suppress(NodeNotFound):
            match condition:
                case "ended":
                    if not (await group.instance(name)).running:
                        await group.start(name)
                case "frozen":
                    await group.engine.unpause(name)
                case "unrouted" | "isolated":
                    await group.engine.rejoin(plan, name)
    if failed:
        raise failed[0]


@contextmanager
def kept_for_the_end(failed: list[StanlocalError]) -> Iterator[None]:
    """Add an error to `failed` instead of raising it, unless the engine does not answer at all."""
    try:
        yield
    except EngineUnavailable:
        raise
    except StanlocalError as error:
        failed.append(error)


def on_record(group: Group, faults: Iterable[FaultRecord], id_: str) -> FaultRecord:
    """Return the fault of that id; raise `GroupNotFound` if there is none, as after a purge."""
    for fault in faults:
        if fault.id == id_:
            return fault
    raise GroupNotFound(f"group '{group.name}' was purged meanwhile, and its faults with it")


async def check(fault: Fault, scene: Scene) -> None:
    """Raise an error if the fault is impossible or not allowed here; nothing is touched before."""
    group = scene.group
    require(group.engine, fault.needs)
    await group.engine.admit(group.name, [node.name for node in scene.targets], holds=fault.holds)
    fault.check(scene)
    await fault.try_out(scene)


def must_run(scene: Scene) -> None:
    """Raise `Refused` unless every target runs."""
    for node in scene.targets:
        if not node.instance.running:
            raise Refused(f"{node.name} does not run ({node.state.value}); see 'stanlocal status'")
