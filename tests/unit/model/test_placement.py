"""Networks of nodes: one of its own for each, or the host's loopback for all."""

from __future__ import annotations

import socket

from hypothesis import given
from hypothesis import strategies as st

from stanlocal.lifecycle.port_allocation import choose_inner_ports
from stanlocal.model import plan_json
from stanlocal.model.placement import Placement, plan_group
from stanlocal.model.plan import STORE_DIR, GroupPlan
from stanlocal.render.stan_conf import render
from stanlocal.util.addresses import LOOPBACK

ON_HOST = Placement("process", own_network=False, store_mount=None)


def planned(placement: Placement) -> GroupPlan:
    return plan_group(
        group="g",
        image="nats-streaming:0.25.6",
        ports=[(4222, 8222), (4300, 8300)],
        route_ports=[6222, 6300],
        inner_ports=[14222, 16222, 18222, 14300, 16300, 18300],
        store_dir="/home/me/store",
        state_dir="/home/me/state",
        user="1000:1000",
        streaming={"cluster_id": "c", "ft_group_name": "c"},
        nats={},
        placement=placement,
    )


def test_nodes_on_the_host_listen_on_its_loopback_alone_each_on_ports_of_its_own() -> None:
    plan = planned(ON_HOST)
    assert [node.listen.host for node in plan.nodes] == [LOOPBACK, LOOPBACK]
    assert [node.host_ports for node in plan.nodes] == [
        (4222, 8222, 6222, 14222, 16222, 18222),
        (4300, 8300, 6300, 14300, 16300, 18300),
    ]
    assert plan.routes == ("nats://127.0.0.1:6222", "nats://127.0.0.1:6300")
    assert (plan.engine, plan.server_store_dir) == ("process", "/home/me/store")
    conf = render(plan, plan.nodes[1])
    assert 'listen: "127.0.0.1:14300"' in conf
    assert 'http: "127.0.0.1:18300"' in conf
    assert 'client_advertise: "127.0.0.1:4300"' in conf
    assert 'cluster_advertise: "127.0.0.1:6300"' in conf
    assert 'dir: "/home/me/store"' in conf
    assert "port: 16300" in conf


def test_nodes_with_networks_of_their_own_take_only_published_ports_of_the_host() -> None:
    plan = planned(Placement())
    assert [node.host_ports for node in plan.nodes] == [(4222, 8222), (4300, 8300)]
    assert LOOPBACK not in plan.routes[0]
    assert plan.routes == tuple(f"nats://{node.route_host}:6222" for node in plan.nodes)
    assert (plan.engine, plan.server_store_dir) == ("docker", STORE_DIR)


def test_a_plan_says_in_its_json_which_engine_it_is_for() -> None:
    for placement in (Placement(), ON_HOST):
        plan = planned(placement)
        assert plan_json.from_json(plan_json.to_json(plan)) == plan


def test_a_plan_from_before_other_engines_is_for_docker() -> None:
    text = plan_json.to_json(planned(Placement()))
    old = text.replace('"engine":"docker",', "").replace(f'"store_mount":"{STORE_DIR}",', "")
    assert "engine" not in old
    plan = plan_json.from_json(old)
    assert (plan.engine, plan.server_store_dir) == ("docker", STORE_DIR)


@given(
    keep=st.lists(st.none() | st.integers(20_000, 20_003), max_size=4),
    reserved=st.sets(st.integers(20_000, 20_008), max_size=4),
    count=st.integers(1, 4),
)
def test_inner_ports_are_kept_differ_and_are_free(
    keep: list[int | None], reserved: set[int], count: int
) -> None:
    kept = [port if port not in keep[:index] else None for index, port in enumerate(keep)]
    chosen = choose_inner_ports(count, first=20_000, keep=kept, reserved=reserved)
    assert len(set(chosen)) == count
    for port, before in zip(chosen, [*kept, *[None] * count], strict=False):
        assert port == before or (before is None and port not in reserved)


def test_an_inner_port_that_is_taken_is_passed_over() -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        taken = listener.getsockname()[1]
        if taken < 65_000:
            assert taken not in choose_inner_ports(2, first=taken)
