"""Names for nodes in commands."""

from __future__ import annotations

import pytest

from stanlocal.errors import NodeNotFound
from stanlocal.model.assessment import assess
from stanlocal.model.states import GroupStatus, LockFacts, NodeState
from stanlocal.model.targets import resolve
from tests.support.facts import node

ROLES = [NodeState.STANDBY, NodeState.ACTIVE, NodeState.STANDBY, NodeState.STARTING]


def status(*roles: NodeState) -> GroupStatus:
    return assess([node(f"stan-{index}", role) for index, role in enumerate(roles)], LockFacts())


@pytest.mark.parametrize(
    ("targets", "chosen"),
    [
        (["stan-1"], [1]),
        (["2"], [2]),
        (["@active"], [1]),
        (["@standby"], [0, 2]),
        (["@all"], [0, 1, 2, 3]),
        (["3", "stan-0"], [0, 3]),
        (["stan-1", "1", "@active"], [1]),
        (["@active", "@standby"], [0, 1, 2]),
        ([], []),
    ],
)
def test_targets_name_nodes_once_in_their_order(targets: list[str], chosen: list[int]) -> None:
    assert [found.instance.index for found in resolve(status(*ROLES), targets)] == chosen


def test_every_active_node_there_is_is_active() -> None:
    both = resolve(status(NodeState.ACTIVE, NodeState.ACTIVE), ["@active"])
    assert [found.name for found in both] == ["stan-0", "stan-1"]


@pytest.mark.parametrize("target", ["stan-4", "4", "-1", "01", "", "stan", "other-0", "@leader", "@Active"])
def test_an_unknown_target_is_refused_with_the_existing_ones(target: str) -> None:
    with pytest.raises(NodeNotFound, match="stan-0 standby, stan-1 active") as caught:
        resolve(status(*ROLES), ["stan-0", target])
    assert f"'{target}'" in str(caught.value)


def test_a_role_that_no_node_has_now_is_refused() -> None:
    with pytest.raises(NodeNotFound, match=r"no node is active now \(stan-0 standby\)"):
        resolve(status(NodeState.STANDBY), ["@active"])


def test_a_group_without_nodes_has_no_roles() -> None:
    with pytest.raises(NodeNotFound, match="it has no nodes"):
        resolve(status(), ["@standby"])
    assert resolve(status(), ["@all"]) == []
