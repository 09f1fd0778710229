"""The interface between the core and the engines that run nodes.

An `Engine` runs, freezes and ends the nodes of groups and reports what it observes; it decides nothing. All
methods are coroutines that may be called concurrently. They raise `stanlocal.errors.EngineError`
subclasses and nothing of the libraries behind them. A call that was cancelled has still either happened
or not happened by the time `CancelledError` leaves it: nothing goes on in the background.

An engine touches only what it made: everything it makes carries the group's name and the maker's user.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from stanlocal.errors import Unsupported
from stanlocal.model.instance import EngineEvent, Exit, Instance, RawLine
from stanlocal.model.placement import Placement
from stanlocal.model.plan import GroupPlan, Monitor, NodePlan

if TYPE_CHECKING:  # local groups need none of it
    from stanlocal.engine.forwarding import Forwarding

Progress: TypeAlias = Callable[[str], None]
"""Callback that gets one line for people for each slow step."""


Ability: TypeAlias = Literal["make", "start", "end", "signal", "freeze", "cut", "condition", "files"]
"""Abilities that an engine may lack: make and remove groups; start nodes; end their processes; send them any
other signal than SIGTERM and SIGKILL; freeze them; cut their connections; slow connections or have them fail;
change files of the store and of the servers."""

ABLE: Mapping[Ability, str] = {}
"""Value of `Information.lacks` for an engine that can do everything."""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """Description of a running engine."""

    name: str
    """`docker`, `process` or `kubernetes`."""
    version: str
    address: str
    architecture: str
    """CPU architecture under Go's name: `amd64`, `arm64`."""
    rootless: bool
    local: bool
    """Whether its processes, files and loopback are this machine's."""
    id: str | None = None
    """Unique id of the engine, the same at every address of it; None if it has no such id."""
    clock: datetime | None = None
    """Time by the engine's own clock when it answered; None if it has none, or does not say."""


class Information(Protocol):
    """Description of the engine and of the groups it runs."""

    name: str
    """`docker`, `process` or `kubernetes`."""
    retry_s: float
    """Seconds to wait before the next attempt after `EngineUnavailable`."""
    lacks: Mapping[Ability, str]
    """Acts that it can never do, each with the reason; it is refused before anything happens."""

    async def info(self) -> EngineInfo:
        """Describe the engine; raise `EngineUnavailable` if none answers."""

    async def groups(self) -> Sequence[str]:
        """Return the names of the caller's groups that have at least one node or network, sorted."""

    async def instances(self, group: str) -> Sequence[Instance]:
        """Return the group's nodes in the order of their index; empty if there are none."""

    async def kept_plan(self, group: str) -> GroupPlan | None:
        """Return the plan that the engine keeps of a group, also without nodes; None if it keeps none."""

    def monitor(self, plan: GroupPlan, node: NodePlan) -> Monitor:
        """Return the way to a node's monitor."""

    async def admit(self, group: str, nodes: Sequence[str], *, holds: bool) -> None:
        """Check, before anything happens, that a fault may hit nodes of the group; most engines allow all.

        `holds`: ended nodes are to stay so until `start`. Raises `Refused` if the caller may not do it,
        `Unsupported` if the engine cannot, `NodeUnreachable` if a node's machine does not answer.
        """

    def container_of_port(self, port: int) -> str | None:
        """Return the name of the container that publishes the host port, whoever made it. Blocks."""

    def events(self, group: str) -> AsyncIterator[EngineEvent]:
        """Yield the events of the group's nodes since this call, even if the first is taken later.

        Ends with `EngineUnavailable` when the engine goes away.
        """

    async def close(self) -> None:
        """Release connections and threads; the groups are left as they are."""


class Provisioning(Protocol):
    """Preparation of the engine for a group: images, placement, and objects that its nodes share."""

    placement: Placement
    """The part of the placement that is the same for every caller; see `place`."""

    async def provision(self, image: str, server_binary: Path | None, progress: Progress) -> None:
        """Provide the server that `image` names, before nodes are made with it.

        `server_binary` is the configured executable of the server. Raises `ImageNotFound`, whose `attempts`
        give the reason of failure for each source.
        """

    async def provision_proxy(self, progress: Progress) -> None:
        """Provide the proxy's image, before a group is made whose plan is proxied.

        Raises `ImageNotFound` as `provision` does, `Unsupported` if the engine cannot run a proxy.
        """

    async def place(self, group: str, image: str, folder: Path) -> Placement:
        """Return how the engine houses nodes of the group for this caller; plans are made with this.

        The answer is found by trials with servers of `image`, and cached. `folder` is a folder of the caller
        that nodes have to see. Raises `EngineUnavailable` if ports that the engine publishes cannot be
        reached.
        """

    async def check_owned(self, group: str) -> None:
        """Raise `NameConflict` if the engine shows a group of that name that stanlocal did not make."""

    async def prepare(self, plan: GroupPlan) -> None:
        """Make the objects that the nodes share (networks, volumes, the proxy), unless they are as planned.

        Raises `NameConflict` if something foreign has a name that is needed, `PortInUse` if one of the
        proxy's client ports is taken.
        """

    async def clean(self, group: str, nodes: Sequence[str] = ()) -> None:
        """Remove the last nodes of the group, as `remove` does, and the objects that its nodes shared."""


class Lifecycle(Protocol):
    """Life of one node: making, starting, signalling, freezing and removing it."""

    async def create(self, plan: GroupPlan, node: NodePlan, fingerprint: str) -> None:
        """Make the node without starting it.

        Raises `NameConflict` if something foreign has its name, `ImageNotFound` if the image is gone.
        """

    async def start(self, plan: GroupPlan, node: str) -> None:
        """Start a node that does not run; raise `PortInUse` if one of its host ports is taken."""

    async def signal(self, node: str, signal: str) -> None:
        """Send a signal (`SIGKILL`, `SIGTERM`, …); return when the engine has delivered it.

        A paused node gets it too; one that has ended is left as it is. Raises `NodeNotFound` if there is no
        such node.
        """

    async def stop(self, node: str, grace_s: float) -> None:
        """Send SIGTERM, then SIGKILL after `grace_s` seconds; return when the process has ended."""

    async def hold(self, plan: GroupPlan, nodes: Sequence[str]) -> None:
        """Keep nodes that are about to end from running again until `release` or `start`.

        No effect where an ended node stays so; a cluster replaces each pod that ends.
        """

    async def release(self, plan: GroupPlan, nodes: Sequence[str]) -> None:
        """Let nodes run again that were held; `start` does so for one."""

    async def wait_exit(self, node: str) -> Exit:
        """Wait until the node's process has ended (at once if it has), and return how it ended."""

    async def pause(self, node: str) -> None:
        """Freeze the process, which keeps its locks and connections; no effect on a frozen one."""

    async def unpause(self, node: str) -> None:
        """Thaw a frozen process; no effect on any other."""

    async def limit_cpu(self, node: str, cores: float) -> None:
        """Limit the node, running or not, to `cores` CPU cores until it is made again.

        Raises `Unsupported` if the engine cannot.
        """

    async def remove(self, node: str) -> None:
        """End the node at once and remove it, its output included; no effect if it is gone."""


class Output(Protocol):
    """Output of a node's server."""

    def output(self, node: str, *, since: datetime | None = None) -> AsyncGenerator[Sequence[RawLine]]:
        """Yield the node's output so far, over all runs that the engine still has, oldest first, in batches.

        With `since` only lines from about that time on. No batch is empty, and each is small: output may be
        larger than memory. Raises `NodeNotFound` if there is no such node, `NodeUnreachable` if its machine
        does not answer.
        """

    async def tail(self, node: str, count: int) -> Sequence[RawLine]:
        """Return the last `count` lines of that output; raises as `output`."""

    def attach(self, node: str) -> AsyncIterator[Sequence[RawLine]]:
        """Yield the node's output from now on, in batches as it arrives, until its run ends.

        Complete and in order as long as the batches are taken. On a node that does not run it waits for
        the next run. The first item is an empty batch, sent once nothing more can be missed. Raises
        `NodePaused` for a frozen node, `NodeUnreachable` for one whose machine does not answer.
        """


class Network(Protocol):
    """Connections of a node, and the proxy of its group."""

    async def check_cut(self, group: str, nodes: Sequence[str], *, routes_only: bool) -> None:
        """Raise `Unsupported` if these nodes cannot be cut off, which some engines find by a trial.

        The nodes are left alone. `routes_only`: the cut is to be that of `disconnect_routes`.
        """

    async def disconnect_routes(self, plan: GroupPlan, node: str) -> None:
        """Cut the node's routes; its clients keep their connections."""

    async def isolate(self, plan: GroupPlan, node: str) -> None:
        """Cut the node's routes, clients and monitor; no effect on those that are cut."""

    async def rejoin(self, plan: GroupPlan, node: str) -> None:
        """Undo `isolate` and `disconnect_routes`, under the same ports; no effect if nothing is cut.

        Raises `PortInUse` if one of the node's host ports was taken meanwhile.
        """

    def forwarding(self, plan: GroupPlan, ports: Mapping[str, int]) -> Forwarding | None:
        """Return ports of this machine for the nodes, not open yet; None if it reaches them without.

        `ports` has the ports that nodes are to have, by name; others get any that is free.
        """

    async def control_proxy(self, plan: GroupPlan, arguments: Sequence[str]) -> str:
        """Run a command of toxiproxy's own command line on the group's proxy; return its output.

        Raises `ProxyDown` if no proxy of the group runs, `EngineError` if it refuses.
        """


class Store(Protocol):
    """Store of a group, as far as the engine holds it."""

    async def check_lock(self, plan: GroupPlan) -> None:
        """Raise `StoreRefused` unless one node's lock on the store's file system excludes the others.

        The trial uses a folder beside the store; its result is cached.
        """

    async def fill_store(self, plan: GroupPlan) -> None:
        """Leave the group's servers no room in the store; no effect if there is none left.

        The store must have a limit, unless `Placement.fills_any_store`.
        """

    async def free_store(self, plan: GroupPlan) -> None:
        """Undo `fill_store`."""

    async def store_parts(self, group: str) -> frozenset[str]:
        """Name the engine's parts of the group's store: its volumes, and the containers that keep them."""

    async def discard_store(self, group: str, keep: frozenset[str] = frozenset()) -> None:
        """Remove the group's volumes, if it has any, and all that is in them; leave the parts in `keep`."""


class Engine(Information, Provisioning, Lifecycle, Output, Network, Store, Protocol):
    """Everything that the core needs of an engine."""


class OwnNodes:
    """Answers of an engine whose groups and networks are the caller's own, on this machine, and whose nodes
    stay ended."""

    async def check_owned(self, group: str) -> None:
        """Do nothing: groups of others are not shown."""

    async def admit(self, group: str, nodes: Sequence[str], *, holds: bool) -> None:
        """Allow every fault."""

    async def check_cut(self, group: str, nodes: Sequence[str], *, routes_only: bool) -> None:
        """Do nothing: networks of the engine's own can be cut."""

    async def hold(self, plan: GroupPlan, nodes: Sequence[str]) -> None:
        """Do nothing: what has ended stays so."""

    async def release(self, plan: GroupPlan, nodes: Sequence[str]) -> None:
        """Do nothing: no node is held."""

    def forwarding(self, plan: GroupPlan, ports: Mapping[str, int]) -> Forwarding | None:
        """Return None: the nodes are on this machine."""
        return None


def require(engine: Information, abilities: Iterable[Ability]) -> None:
    """Raise `Unsupported`, with the reason, if the engine lacks one of these abilities."""
    for ability in abilities:
        if ability in engine.lacks:
            raise Unsupported(engine.lacks[ability])
