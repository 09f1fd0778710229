"""Names of nodes in commands: `stan-0`, `0`, `@active`, `@standby`, `@all`. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from stanlocal.errors import NodeNotFound
from stanlocal.model.states import GroupStatus, NodeState, NodeStatus


def resolve(status: GroupStatus, targets: Sequence[str]) -> list[NodeStatus]:
    """Return the nodes that `targets` name, each once, in the order of their index.

    Raises `NodeNotFound` for an unknown name or index, and for a role that no node has now.
    """
    chosen = {node.name for target in targets for node in _resolve(status, target)}
    return [node for node in status.nodes if node.name in chosen]


def _resolve(status: GroupStatus, target: str) -> Sequence[NodeStatus]:
    if target == "@all":
        return status.nodes
    if target in ("@active", "@standby"):
        role = NodeState(target[1:])
        if found := [node for node in status.nodes if node.state is role]:
            return found
        raise NodeNotFound(f"no node is {role.value} now ({_states(status)}); see 'stanlocal status'")
    for node in status.nodes:
        if target in (node.name, str(node.instance.index)):
            return [node]
    raise NodeNotFound(
        f"no node '{target}' in the group ({_states(status)}); name one, its index, @active, @standby or @all"
    )


def _states(status: GroupStatus) -> str:
    return ", ".join(f"{name} {state}" for name, state in status.states.items()) or "it has no nodes"
