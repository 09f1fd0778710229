"""Nodes that use a NATS server elsewhere: their settings, and the ports they no longer have."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from stanlocal.errors import SettingsError
from stanlocal.export import compose, helm, kubernetes
from stanlocal.export.objects import Storage
from stanlocal.model.plan import GroupPlan
from stanlocal.render.container_spec import container
from stanlocal.render.stan_conf import render
from stanlocal.settings import resolve
from stanlocal.settings.layer import Layer
from tests.seed import by_name
from tests.support.natsconf import parse
from tests.unit.export.plans import a_plan


def beside(url: str, **more: Any) -> GroupPlan:
    """The plan of a group that uses the NATS server at `url`."""
    return a_plan({"streaming": {"nats_server_url": url}, **more})


def test_the_configuration_has_a_monitor_and_the_servers_address_and_nothing_to_listen_for_clients() -> None:
    plan = beside("nats://nats.example.com:4222")
    conf = parse(render(plan, plan.nodes[0]))
    assert sorted(conf) == ["http", "server_name", "streaming"]
    assert conf["streaming"]["nats_server_url"] == "nats://nats.example.com:4222"
    assert conf["streaming"]["ft_group_name"] == "test-cluster"


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("nats://127.0.0.1:4333", "nats://host.docker.internal:4333"),
        ("nats://localhost", "nats://host.docker.internal"),
        ("nats://u:p@127.0.0.1:4333", "nats://u:p@host.docker.internal:4333"),
        ("tls://[::1]:4333", "tls://host.docker.internal:4333"),
        ("nats://localhost.example.com:1", "nats://localhost.example.com:1"),
        ("nats://a:1, nats://127.0.0.2:2", "nats://a:1,nats://host.docker.internal:2"),
    ],
)
def test_containers_reach_this_machine_by_the_engines_gateway(url: str, seen: str) -> None:
    plan = beside(url)
    assert parse(render(plan, plan.nodes[0]))["streaming"]["nats_server_url"] == seen
    assert container(plan, plan.nodes[0]).extra_hosts == {"host.docker.internal": "host-gateway"}


def test_processes_reach_this_machine_as_it_is() -> None:
    plan = replace(beside("nats://127.0.0.1:4333"), engine="process")
    conf = parse(render(plan, plan.nodes[0]))
    assert conf["streaming"]["nats_server_url"] == "nats://127.0.0.1:4333"


def test_clients_connect_to_the_server_and_only_monitors_are_published() -> None:
    plan = beside("nats://a:1,nats://b:2")
    assert plan.client_urls == ("nats://a:1", "nats://b:2")
    assert {plan.client_url(node) for node in plan.nodes} == {"nats://a:1"}
    assert [port.inside for port in container(plan, plan.nodes[0]).ports] == [8222]


def test_without_one_nothing_is_different() -> None:
    plan = a_plan()
    assert plan.external_nats == ()
    assert container(plan, plan.nodes[0]).extra_hosts == {}
    assert "extra_hosts" not in compose.files(plan)[compose.FILE]


@pytest.mark.parametrize(
    "url", ["127.0.0.1:4222", "http://a:1", "nats://", "nats://a:1,", "nats://a b", "nats://a:x"]
)
def test_an_invalid_address_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="is no address of a NATS server such as"):
        beside(url)


def test_options_of_the_server_inside_are_said_to_do_nothing() -> None:
    given = {"streaming": {"nats_server_url": "nats://a:1"}, "nats": {"ping_interval": "1s", "debug": True}}
    assert resolve([Layer("flag", given)]).warnings == (
        "nats.ping_interval does nothing beside streaming.nats_server_url: that server has its own",
    )


def test_compose_publishes_monitors_only_and_knows_the_gateway() -> None:
    service = yaml.safe_load(compose.files(beside("nats://127.0.0.1:4333"))[compose.FILE])["services"][
        "stan-0"
    ]
    assert service["ports"] == ["127.0.0.1:8222:8222"]
    assert service["extra_hosts"] == ["host.docker.internal:host-gateway"]


def test_pods_use_the_address_as_it_is_and_have_no_ports_for_clients_and_routes() -> None:
    deployment = kubernetes.Deployment("stan", Storage("existing-claim", "c"))
    text = kubernetes.render(beside("nats://localhost:4222"), deployment)
    found = by_name(list(yaml.safe_load_all(text)))
    assert [port["name"] for port in found["Service/stan"]["spec"]["ports"]] == ["monitor", "metrics"]
    server = found["StatefulSet/stan"]["spec"]["template"]["spec"]["containers"][0]
    assert [port["name"] for port in server["ports"]] == ["monitor"]
    assert 'nats_server_url: "nats://localhost:4222"' in found["ConfigMap/stan-config"]["data"]["stan.conf"]


@pytest.mark.parametrize(("chart", "url"), [(None, "nats://mine:4222"), ("nats://other:1", "nats://other:1")])
def test_the_charts_servers_use_the_same_server_unless_another_is_named(chart: str | None, url: str) -> None:
    text = helm.render(beside("nats://mine:4222"), helm.Chart("stan", nats_url=chart))
    assert yaml.safe_load(text)["stan"]["nats"]["url"] == url
