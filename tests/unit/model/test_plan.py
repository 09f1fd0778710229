"""A group, planned: names, addresses, and what makes a node another node."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stanlocal.model import plan_json
from stanlocal.model.placement import Placement, plan_group
from stanlocal.model.plan import GroupPlan, Listen, NodePlan, fingerprint
from tests.support.facts import group_plan


def test_nodes_networks_and_urls_are_named_after_the_group() -> None:
    plan = group_plan(2)
    assert [(node.name, node.index) for node in plan.nodes] == [("stan-0", 0), ("stan-1", 1)]
    assert (plan.client_network, plan.cluster_network) == ("stan-clients", "stan-routes")
    assert plan.client_urls == ("nats://127.0.0.1:4222", "nats://127.0.0.1:4223")
    assert plan.monitor_urls == ("http://127.0.0.1:8222", "http://127.0.0.1:8223")
    assert plan.conf_dir(plan.nodes[1]) == "/state/stan/conf/stan-1"
    assert (plan.cluster_id, plan.ft_group) == ("test-cluster", "test-cluster")


def test_every_node_has_the_same_routes_on_the_network_that_carries_them() -> None:
    plan = group_plan(3)
    assert len(set(plan.routes)) == 3
    assert [node.route for node in plan.nodes] == list(plan.routes)
    assert all(node.cluster_advertise == f"{node.route_host}:6222" for node in plan.nodes)
    assert all(node.route_host != node.name for node in plan.nodes)  # that name leads over every network


def test_nodes_without_their_own_network_bind_other_ports_than_are_published() -> None:
    plan = plan_group(
        group="stan",
        image="i",
        ports=[(4222, 8222), (4223, 8223)],
        store_dir="/s",
        state_dir="/state",
        user="1:1",
        streaming={},
        nats={},
        placement=Placement("process", own_network=False, store_mount=None),
        route_ports=[6222, 6223],
        inner_ports=[14222, 14223, 14224, 14225, 14226, 14227],
    )
    assert [node.listen for node in plan.nodes] == [
        Listen("127.0.0.1", 14222, 14223, 14224),
        Listen("127.0.0.1", 14225, 14226, 14227),
    ]
    assert [node.route_port for node in plan.nodes] == [6222, 6223]
    assert plan.routes == ("nats://127.0.0.1:6222", "nats://127.0.0.1:6223")


def test_a_node_is_found_by_its_name() -> None:
    plan = group_plan()
    assert plan.node("stan-1") is plan.nodes[1]
    with pytest.raises(KeyError):
        plan.node("stan-2")


# Fingerprints

PLAN = group_plan()
NODE = PLAN.nodes[0]


def test_a_fingerprint_is_short_and_always_the_same() -> None:
    again = plan_json.from_json(plan_json.to_json(PLAN))
    assert fingerprint(PLAN, NODE, "conf") == fingerprint(again, again.nodes[0], "conf")
    assert len(fingerprint(PLAN, NODE, "conf")) == 16


@pytest.mark.parametrize(
    ("plan", "node", "conf"),
    [
        (replace(PLAN, image="other"), NODE, "conf"),
        (replace(PLAN, store_dir="/other"), NODE, "conf"),
        (replace(PLAN, user="1:1"), NODE, "conf"),
        (replace(PLAN, host="127.0.0.2"), NODE, "conf"),
        (replace(PLAN, stop_grace_s=1), NODE, "conf"),
        (PLAN, PLAN.nodes[1], "conf"),
        (PLAN, replace(NODE, client_port=5), "conf"),
        (PLAN, replace(NODE, monitor_port=5), "conf"),
        (PLAN, replace(NODE, route_host="r"), "conf"),
        (PLAN, replace(NODE, listen=Listen(client=5)), "conf"),
        (PLAN, NODE, "other conf"),
    ],
)
def test_each_ingredient_of_a_nodes_container_changes_its_fingerprint(
    plan: GroupPlan, node: NodePlan, conf: str
) -> None:
    assert fingerprint(plan, node, conf) != fingerprint(PLAN, NODE, "conf")


def test_a_fingerprint_with_a_key_cannot_be_found_without_it() -> None:
    keyed = fingerprint(PLAN, NODE, "conf", b"key")
    assert keyed not in (fingerprint(PLAN, NODE, "conf"), fingerprint(PLAN, NODE, "conf", b"other"))
    assert keyed != fingerprint(PLAN, NODE, "other conf", b"key")


@pytest.mark.parametrize(
    "plan",
    [
        replace(PLAN, nodes=(NODE, replace(PLAN.nodes[1], client_port=5))),
        replace(PLAN, nodes=(*PLAN.nodes, replace(NODE, name="stan-2", index=2))),
        replace(PLAN, streaming={**PLAN.streaming, "sd": True}),  # counts by the configuration's text
    ],
)
def test_settings_of_others_do_not_change_the_fingerprint(plan: GroupPlan) -> None:
    assert fingerprint(plan, NODE, "conf") == fingerprint(PLAN, NODE, "conf")


@pytest.mark.parametrize(
    ("streaming", "served"),
    [
        ({}, None),
        ({"store_limits": {"channels": {"a": {}}}}, None),
        ({"partitioning": False, "store_limits": {"channels": {"a": {}}}}, None),
        ({"partitioning": True, "store_limits": {"channels": {"a": {}, "b.>": {}}}}, ("a", "b.>")),
    ],
)
def test_only_partitioning_limits_the_channels_that_are_served(
    streaming: dict[str, Any], served: tuple[str, ...] | None
) -> None:
    assert replace(PLAN, streaming=streaming).served_channels == served
