"""The routes through a group's proxy, and the settings of nodes and containers for it."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest

from stanlocal.errors import SettingsError
from stanlocal.model import plan_json
from stanlocal.model.placement import plan_group
from stanlocal.model.plan import GroupPlan
from stanlocal.model.proxy_routes import Between, cluster_advertise, config, proxied_routes, routes, routes_at
from stanlocal.render.container_spec import container, proxy_container
from stanlocal.render.stan_conf import render
from stanlocal.settings import resolve
from stanlocal.settings.layer import Layer
from tests.support.natsconf import parse

STAN = ("stan-0", "stan-1", "stan-2")


def plan(nodes: int = 3, *, proxied: bool = True) -> GroupPlan:
    settings = resolve([Layer("flag", {"nodes": nodes})])
    return plan_group(
        group="stan",
        image=settings.image,
        ports=[(4222 + 10 * index, 8222 + index) for index in range(nodes)],
        store_dir="/srv/store",
        state_dir="/srv/state",
        user="1000:1000",
        streaming=settings.streaming,
        nats=settings.nats,
        proxied=proxied,
    )


@pytest.mark.parametrize("nodes", [1, 2, 3, 64])
def test_each_node_has_a_route_for_its_clients_and_one_to_each_other_node(nodes: int) -> None:
    found = proxied_routes(plan(nodes))
    assert sum(route.between == "clients" for route in found) == nodes
    assert len({route.nodes for route in found if route.between == "nodes"}) == nodes * (nodes - 1)
    assert len({route.listen for route in found}) == len({route.name for route in found}) == len(found)
    assert all(1024 < route.listen < 65536 and route.listen != 8474 for route in found)


def test_a_node_dials_the_others_through_the_proxy_and_advertises_no_other_route() -> None:
    group = plan()
    by_port = {route.listen: route for route in proxied_routes(group)}
    for node in group.nodes:
        conf = parse(render(group, node))["cluster"]
        assert conf["routes"] == list(routes(group, node))
        assert conf["cluster_advertise"] == cluster_advertise(group, node)
        assert container(group, node).extra_hosts == {
            conf["cluster_advertise"].partition(":")[0]: "127.0.0.1"
        }
        others = [other for other in group.nodes if other is not node]
        for route, other in zip(conf["routes"], others, strict=True):
            host, _, port = route.removeprefix("nats://").partition(":")
            assert host == proxy_container(group).route_alias
            assert by_port[int(port)].nodes == (node.name, other.name)
            assert by_port[int(port)].upstream == f"{container(group, other).route_alias}:6222"


def test_client_ports_are_the_proxys_and_monitors_the_nodes_own() -> None:
    group = plan()
    published = {port.inside: port.outside for port in proxy_container(group).ports}
    for route in proxied_routes(group):
        if route.between == "clients":
            node = group.node(route.nodes[0])
            made = container(group, node)
            assert published[route.listen] == node.client_port
            assert route.upstream == f"{made.client_alias}:4222"
            assert [port.outside for port in made.ports] == [node.monitor_port]


def test_each_network_has_names_that_the_other_does_not_know() -> None:
    """Otherwise what is cut off one network would be found over the other."""
    group = plan()
    for node in group.nodes:
        made = container(group, node)
        assert len({made.name, made.client_alias, made.route_alias}) == 3


def test_the_proxy_is_confined_as_nodes_are_and_its_control_port_is_its_own() -> None:
    group = plan()
    made, node = proxy_container(group), container(group, group.nodes[0])
    for confinement in ("user", "read_only", "cap_drop", "security_opt", "pids_limit", "log_options"):
        assert getattr(made, confinement) == getattr(node, confinement)
    assert "-host=127.0.0.1" in made.command
    assert made.mounts == ()
    assert 8474 not in {port.inside for port in made.ports}


def test_the_proxys_configuration_has_every_route() -> None:
    group = plan()
    assert {(each["name"], each["upstream"]) for each in json.loads(config(group))} == {
        (route.name, route.upstream) for route in proxied_routes(group)
    }


@pytest.mark.parametrize(
    ("nodes", "between", "found"),
    [
        (["stan-1"], ["clients"], {"clients-stan-1"}),
        (
            ["stan-1"],
            ["nodes"],
            {f"routes-{a}-{b}" for a, b in permutations(STAN, 2) if "stan-1" in (a, b)},
        ),
        (
            ["stan-0", "stan-1"],
            ["clients", "nodes"],
            {route.name for route in proxied_routes(plan())} - {"clients-stan-2"},
        ),
        ([], ["clients", "nodes"], set()),
    ],
)
def test_the_routes_of_nodes_are_those_that_end_at_them(
    nodes: list[str], between: list[Between], found: set[str]
) -> None:
    assert {route.name for route in routes_at(plan(), nodes, between)} == found


def test_a_group_without_a_proxy_has_direct_routes() -> None:
    bare = plan(proxied=False)
    node = bare.nodes[2]
    assert proxied_routes(bare) == ()
    assert routes(bare, node) == bare.routes
    assert container(bare, node).client_alias is None
    assert container(bare, node).ports[0].outside == node.client_port
    assert parse(render(bare, node))["cluster"]["cluster_advertise"] == "stan-2.stan:6222"


def test_a_plan_keeps_its_proxy_in_json_and_an_earlier_one_has_none() -> None:
    assert plan_json.from_json(plan_json.to_json(plan())).proxied
    earlier: dict[str, Any] = json.loads(plan_json.to_json(plan()))
    del earlier["proxied"]
    assert not plan_json.from_json(json.dumps(earlier)).proxied
    assert plan().decided()["proxied"] is True


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        ({"engine": "process"}, "proxied needs the engine 'docker'"),
        ({"streaming": {"nats_server_url": "nats://h:4222"}}, "does not go with streaming.nats_server_url"),
    ],
)
def test_a_proxy_is_refused_where_nothing_would_go_through_it(flags: dict[str, Any], problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        resolve([Layer("flag", {"proxied": True, **flags})])
