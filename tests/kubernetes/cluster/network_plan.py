"""The commands that make the switch and its cables. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tests.kubernetes.cluster.layout import BRIDGE, HOST_ADDRESS, HOST_CABLE, NODES, SWITCH, Node

Command = tuple[str, ...]


def switch() -> Sequence[Command]:
    """Return how the switch is made: a bridge, whose network namespace has no rule of the host's firewall."""
    return [
        _ip(None, "netns", "add", SWITCH),
        _ip(SWITCH, "link", "add", BRIDGE, "type", "bridge"),
        _ip(SWITCH, "link", "set", BRIDGE, "up"),
        _ip(SWITCH, "link", "set", "lo", "up"),
    ]


def host_cable() -> Sequence[Command]:
    """Return how the host is connected."""
    return [
        *_plugged(HOST_CABLE),
        _ip(None, "addr", "add", f"{HOST_ADDRESS}/24", "dev", HOST_CABLE),
        _ip(None, "link", "set", HOST_CABLE, "up"),
        # To pods too: their DNS is on the host.
        *(_ip(None, "route", "replace", node.pod_network, "via", node.address) for node in NODES),
    ]


def node_network(node: Node) -> Sequence[Command]:
    """Return how a node's network namespace is made, and connected; pods reach those of other nodes."""
    inside = node.network
    return [
        _ip(None, "netns", "add", inside),
        _ip(inside, "link", "set", "lo", "up"),
        *_plugged(node.cable),
        _ip(None, "link", "set", node.cable, "netns", inside),
        _ip(inside, "addr", "add", f"{node.address}/24", "dev", node.cable),
        _ip(inside, "link", "set", node.cable, "up"),
        *(
            _ip(inside, "route", "replace", other.pod_network, "via", other.address)
            for other in NODES
            if other != node
        ),
        ("ip", "netns", "exec", inside, "sysctl", "-qw", "net.ipv4.ip_forward=1"),
    ]


def cable(node: Node, state: str) -> Command:
    """Return how a node is cut off (`down`) and connected again (`up`)."""
    return _ip(SWITCH, "link", "set", node.cable, state)


def _plugged(name: str) -> Sequence[Command]:
    return [
        _ip(None, "link", "add", name, "type", "veth", "peer", "name", name, "netns", SWITCH),
        _ip(SWITCH, "link", "set", name, "master", BRIDGE, "up"),
    ]


def _ip(namespace: str | None, *words: str) -> Command:
    return ("ip", *(("-n", namespace) if namespace else ()), *words)
