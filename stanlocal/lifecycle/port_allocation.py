"""Choice of the host ports that a group's nodes are published on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from stanlocal.errors import PortInUse, SettingsError
from stanlocal.machine.ports import ContainerOfPort, is_free, port_owner
from stanlocal.model.placement import node_name
from stanlocal.model.plan import CLIENT_PORT, MONITOR_PORT
from stanlocal.settings.tool_options import MAX_PORT
from stanlocal.util.addresses import LOOPBACK


@dataclass(frozen=True, slots=True)
class PortChoice:
    """The ports of a group."""

    ports: list[tuple[int, int]]
    """For each node its client port and its monitor port."""
    moved: list[str]
    """A sentence for each port that is not the one a user would expect."""


def first_ports(first: int | None, count: int) -> tuple[int, int]:
    """Return the preferred first client port and first monitor port of `count` nodes."""
    return (CLIENT_PORT, MONITOR_PORT) if first is None else (first, first + count)


def choose_ports(
    count: int,
    *,
    group: str = "stan",
    first_client: int = CLIENT_PORT,
    first_monitor: int = MONITOR_PORT,
    asked: int | None = None,
    keep: Sequence[tuple[int | None, int | None]] = (),
    gone: Collection[int] = (),
    reserved: Collection[int] = (),
    refused: Collection[int] = (),
    host: str = LOOPBACK,
    container: ContainerOfPort | None = None,
) -> PortChoice:
    """Choose ports for `count` nodes, no port twice.

    `keep` are the earlier ports of the first nodes (None where there was none): they stay, but for those in
    `gone`, and are not tested, because those nodes may be listening on them now. Otherwise node i gets
    `first_client` + i and `first_monitor` + i, or, where that is taken, in `reserved` (kept for other
    groups) or in `refused` (an engine failed to bind it), the next free port.

    With `asked` node i gets the client port `asked` + i and no other: `PortInUse` when that is taken,
    `SettingsError` when there is no such port.
    """
    choice = PortChoice(ports=[], moved=[])
    kept: list[tuple[int | None, ...]] = [
        *(tuple(None if port in gone else port for port in pair) for pair in keep[:count]),
        *[(None, None)] * (count - len(keep)),
    ]
    clients = [(asked or first_client) + index for index in range(count)]
    monitors = [first_monitor + index for index in range(count)]
    if asked is not None and clients[-1] > MAX_PORT:
        raise SettingsError([f"port {asked} leaves no room for {count} nodes: the last port is {MAX_PORT}"])
    own = {port for pair in keep for port in pair if port and port not in gone}
    used = {port for pair in kept for port in (pair[1:] if asked is not None else pair) if port}
    picker = _Picker(
        host, {*clients, *monitors}, used, own, frozenset(reserved), container, frozenset(refused)
    )
    for index, (client, monitor) in enumerate(kept):
        name = node_name(group, index)
        earlier = keep[index] if index < len(keep) else (None, None)
        if asked is not None:
            client = picker.insist(clients[index])
        choice.ports.append(
            (
                client or picker.pick(clients[index], earlier[0], f"{name} listens", choice.moved),
                monitor
                or picker.pick(monitors[index], earlier[1], f"{name}'s monitor listens", choice.moved),
            )
        )
    return choice


def choose_inner_ports(
    count: int,
    *,
    first: int,
    keep: Sequence[int | None] = (),
    reserved: Collection[int] = (),
    host: str = LOOPBACK,
) -> list[int]:
    """Choose `count` ports for traffic among nodes that share one host; `keep` is as in `choose_ports`.

    No message reports a moved one: users do not need these ports.
    """
    kept = [*keep[:count], *[None] * (count - len(keep))]
    best = [first + index for index in range(count)]
    own = {port for port in kept if port}
    picker = _Picker(host, set(best), set(own), own, frozenset(reserved), container=None)
    return [port or picker.pick(best[index], None, "", []) for index, port in enumerate(kept)]


@dataclass(slots=True)
class _Picker:
    host: str
    wanted: set[int]
    """Preferred ports of all nodes: not given to another node that has to move."""
    used: set[int]
    own: set[int]
    """Ports that the group's own nodes may be listening on."""
    reserved: frozenset[int]
    container: ContainerOfPort | None
    refused: frozenset[int] = frozenset()

    def pick(self, best: int, earlier: int | None, who: str, moved: list[str]) -> int:
        """Return a free port, and add a sentence to `moved` unless that is the one a user expects."""
        why = self._objection(best)
        if why is None:
            self.used.add(best)
            if earlier not in (None, best):
                moved.append(f"{self._taken(earlier)}: {who} on {best} instead")
            return best
        for port in range(best + 1, MAX_PORT + 1):
            if port not in self.wanted and self._objection(port, name_owner=False) is None:
                self.used.add(port)
                moved.append(f"{self._taken(earlier) if earlier else why}: {who} on {port} instead")
                return port
        raise PortInUse(f"{why}, and so is every port above it", best)

    def insist(self, port: int) -> int:
        why = self._objection(port)
        if why is not None:
            raise PortInUse(
                f"{why}; free it, or choose others with '--port'",
                port,
                port_owner(port, self.container),
            )
        self.used.add(port)
        return port

    def _objection(self, port: int, *, name_owner: bool = True) -> str | None:
        if port in self.used:
            return f"port {port} is another node's"
        if port in self.reserved:
            return f"port {port} is kept for another group"
        if port not in self.refused and (port in self.own or is_free(port, self.host)):
            return None
        return self._taken(port, name_owner=name_owner)

    def _taken(self, port: int, *, name_owner: bool = True) -> str:
        owner = port_owner(port, self.container) if name_owner else None
        return f"port {port} is taken by {owner}" if owner else f"port {port} is taken"
