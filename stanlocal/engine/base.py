"""The one seam between the core and whatever runs the nodes.

An `Engine` runs, freezes and ends the nodes of groups and says what it sees; it decides nothing. All
methods are coroutines that may be called concurrently. They raise `stanlocal.errors.EngineError`
subclasses and nothing of the libraries behind them. A call that was cancelled has still either happened
or not happened by the time `CancelledError` leaves it: nothing goes on behind the caller's back.

An engine touches only what it made: everything it makes carries the group's name and the maker's user.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeAlias

from stanlocal.model.instance import EngineEvent, Exit, Instance, RawLine
from stanlocal.model.placement import Placement
from stanlocal.model.plan import GroupPlan, NodePlan

Progress: TypeAlias = Callable[[str], None]
"""Takes one line for people for each thing that takes its time."""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What answers."""

    name: str
    """`docker` or `process`."""
    version: str
    address: str
    architecture: str
    """As Go names it: `amd64`, `arm64`."""
    rootless: bool
    local: bool
    """Whether its processes, files and loopback are this machine's."""
    id: str | None = None
    """What tells it from every other engine, wherever it is reached; None where it has no such id."""


class Engine(Protocol):
    """Runs the nodes of groups."""

    name: str
    """`docker` or `process`."""
    placement: Placement
    """How it houses nodes, as far as that does not depend on where the caller is; see `place`."""
    retry_s: float
    """Seconds to wait before it is asked again after `EngineUnavailable`."""

    async def info(self) -> EngineInfo:
        """What answers; raises `EngineUnavailable` when nothing does."""

    async def groups(self) -> Sequence[str]:
        """The names of the caller's groups that have at least one node or network, sorted."""

    async def instances(self, group: str) -> Sequence[Instance]:
        """The group's nodes in the order of their index; empty when there is none."""

    def container_of_port(self, port: int) -> str | None:
        """The name of the container, anyone's, that publishes the host port, for messages. Blocks."""

    async def provision(self, image: str, server_binary: Path | None, progress: Progress) -> None:
        """Sees to the server that `image` names, before nodes are made with it.

        `server_binary` is the executable that was set for it. Raises `ImageNotFound`, whose `attempts` say
        of each way to it why it did not lead there.
        """

    async def provision_proxy(self, progress: Progress) -> None:
        """Sees to the proxy's image, before a group is made whose plan is proxied.

        Raises `ImageNotFound` as `provision` does, `Unsupported` where there can be no proxy.
        """

    async def place(self, group: str, image: str, folder: Path) -> Placement:
        """How it houses nodes of the group for a caller here; plans for it are made with this.

        Found out by trying with servers of `image`, and remembered. `folder` is one of the caller's that
        nodes are to see. Raises `EngineUnavailable` when ports that it publishes cannot be reached.
        """

    async def check_lock(self, plan: GroupPlan) -> None:
        """Raises `StoreRefused` unless a lock that one node has on the store's file system keeps out others.

        Tried beside the store, and remembered.
        """

    async def prepare(self, plan: GroupPlan) -> None:
        """Makes what the nodes share (networks, volumes, the proxy), unless it is there as planned.

        Raises `NameConflict` when something foreign has a name that is needed, `PortInUse` when the proxy
        cannot have one of the client ports.
        """

    async def create(self, plan: GroupPlan, node: NodePlan, fingerprint: str) -> None:
        """Makes the node without starting it.

        Raises `NameConflict` when something foreign has its name, `ImageNotFound` when the image is gone.
        """

    async def start(self, plan: GroupPlan, node: str) -> None:
        """Starts a node that does not run; raises `PortInUse` when a host port of it is taken."""

    async def signal(self, node: str, signal: str) -> None:
        """Sends a signal (`SIGKILL`, `SIGTERM`, …); returns when the engine has delivered it.

        A paused node gets it too. Raises `NodeNotFound` when there is no such node; nothing happens to
        one that has ended.
        """

    async def stop(self, node: str, grace_s: float) -> None:
        """SIGTERM, then SIGKILL after `grace_s` seconds; returns when the process has ended."""

    async def wait_exit(self, node: str) -> Exit:
        """Returns how it ended once the node's process has ended (at once if it has)."""

    async def pause(self, node: str) -> None:
        """Freezes the process; it keeps its locks and connections. Frozen already: nothing happens."""

    async def unpause(self, node: str) -> None:
        """Lets it go on; nothing happens to one that is not frozen."""

    async def disconnect_routes(self, plan: GroupPlan, node: str) -> None:
        """Cuts the node's routes; its clients keep their connections."""

    async def isolate(self, plan: GroupPlan, node: str) -> None:
        """Cuts all that leads to the node: routes, clients and monitor. Nothing happens if that is so."""

    async def rejoin(self, plan: GroupPlan, node: str) -> None:
        """Undoes `isolate` and `disconnect_routes`, under the same ports; nothing happens if none is cut.

        Raises `PortInUse` when a host port of it was taken meanwhile.
        """

    async def control_proxy(self, plan: GroupPlan, arguments: Sequence[str]) -> str:
        """Tells the group's proxy something, in the words of toxiproxy's own command line; what that prints.

        Raises `ProxyDown` when no proxy of the group runs, `EngineError` when it refuses.
        """

    async def fill_store(self, plan: GroupPlan) -> None:
        """Leaves the group's servers no room in the store; nothing happens if there is none left.

        The store must have a limit, unless `Placement.fills_any_store`.
        """

    async def free_store(self, plan: GroupPlan) -> None:
        """Undoes `fill_store`."""

    async def store_parts(self, group: str) -> frozenset[str]:
        """Name what the engine has of the group's store: its volumes, and what keeps them."""

    async def discard_store(self, group: str, keep: frozenset[str] = frozenset()) -> None:
        """Remove the group's volumes, if it has any, and all that is in them; leave the parts in `keep`."""

    async def limit_cpu(self, node: str, cores: float) -> None:
        """Lets the node have so much of a core from now on, until it is made anew; it may run.

        Raises `Unsupported` where that cannot be.
        """

    async def remove(self, node: str) -> None:
        """Ends the node at once and removes it, its output included; nothing happens if it is gone."""

    async def clean(self, group: str) -> None:
        """Removes what the group's nodes shared; call it when they are gone."""

    async def output(
        self, node: str, *, since: datetime | None = None, tail: int | None = None
    ) -> Sequence[RawLine]:
        """What the node has written so far, over all its runs that the engine still has, oldest first."""

    def attach(self, node: str) -> AsyncIterator[Sequence[RawLine]]:
        """The node's output from now on, in batches as it arrives, until its run ends.

        Complete and in order as long as the batches are taken. On a node that does not run it waits for
        the next run. The first item is an empty batch, sent once nothing more can be missed. Raises
        `NodePaused` for a frozen node.
        """

    def events(self, group: str) -> AsyncIterator[EngineEvent]:
        """What happens to the group's nodes from this call on, whenever the first is asked for.

        Ends with `EngineUnavailable` when the engine goes away.
        """

    async def close(self) -> None:
        """Lets go of connections and threads; the groups are left as they are."""
