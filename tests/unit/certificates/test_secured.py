"""The settings of a secured group, and the hosts that its certificates name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stanlocal.certificates.hosts import node_hosts
from stanlocal.certificates.secured import Files, secured
from stanlocal.model.placement import Placement, plan_group
from stanlocal.model.plan import GroupPlan
from stanlocal.render.stan_conf import render
from tests.support.natsconf import parse

FILES = Files.of_node("/etc/stan-config")
STREAMING = {"cluster_id": "c", "ft_group_name": "f", "store": "file"}


def plan(*, proxied: bool = False, **placement: Any) -> GroupPlan:
    return plan_group(
        group="g",
        image="i",
        ports=[(4222, 8222), (4223, 8223)],
        store_dir="/s",
        state_dir="/state",
        user="1:1",
        streaming=STREAMING,
        nats={},
        placement=Placement(**placement),
        proxied=proxied,
        secure=True,
    )


def conf(nats: dict[str, Any] | None = None, streaming: dict[str, Any] | None = None) -> Any:
    """The configuration of a node, parsed."""
    group = plan()
    chosen = secured({**STREAMING, **(streaming or {})}, nats or {}, FILES, "pw")
    text = render(replace(group, streaming=chosen[0], nats=chosen[1]), group.nodes[0])
    return parse(text)


def test_clients_routes_and_monitor_have_tls_and_there_is_a_login() -> None:
    found = conf()
    files = {"cert_file": "/etc/stan-config/server.pem", "key_file": "/etc/stan-config/server.key"}
    for table in (found["tls"], found["cluster"]["tls"]):
        assert {**files, "ca_file": "/etc/stan-config/ca.pem"}.items() <= table.items()
    assert found["https"] == "0.0.0.0:8222"
    assert "http" not in found
    assert found["authorization"]["users"] == [{"user": "stanlocal", "password": "pw"}]
    own = found["streaming"]
    assert (own["username"], own["password"], own["secure"]) == ("stanlocal", "pw", True)
    assert own["tls"]["client_cacert"] == "/etc/stan-config/ca.pem"


def test_a_login_of_the_settings_stays_the_only_one() -> None:
    found = conf({"authorization": {"users": [{"user": "a", "password": "b"}], "timeout": 3}})
    assert found["authorization"] == {"users": [{"user": "a", "password": "b"}], "timeout": 3}
    assert "username" not in found["streaming"]
    assert conf({"authorization": {"token": "t"}})["authorization"] == {"token": "t"}
    accounts = {"A": {"users": [{"user": "a", "password": "b"}]}}
    assert "authorization" not in conf({"accounts": accounts}, {"username": "a", "password": "b"})


def test_a_single_user_becomes_one_of_users_so_that_a_reload_keeps_connections() -> None:
    found = conf({"authorization": {"user": "a", "password": "b"}})
    assert found["authorization"] == {"users": [{"user": "a", "password": "b"}]}
    assert (found["streaming"]["username"], found["streaming"]["password"]) == ("a", "b")


def test_other_options_of_tls_count() -> None:
    assert conf({"tls": {"verify": True, "timeout": 9}})["tls"]["verify"] is True
    assert conf({"tls": {"verify": True, "timeout": 9}})["cluster"]["tls"]["timeout"] == 9


@pytest.mark.parametrize(
    ("engine", "volumes", "folder"),
    [
        ("docker", False, "/etc/stan-config"),
        ("docker", True, "/etc/stan-config/g-0"),
        ("process", False, "."),
    ],
)
def test_the_server_finds_its_certificate_beside_its_configuration(
    engine: str, volumes: bool, folder: str
) -> None:
    group = plan(engine=engine, in_volumes=volumes)
    assert group.server_conf_dir(group.nodes[0]) == folder


def test_the_urls_of_a_secured_group_say_so() -> None:
    group = plan()
    assert group.client_urls == ("tls://127.0.0.1:4222", "tls://127.0.0.1:4223")
    assert group.monitor_urls[0] == "https://127.0.0.1:8222"


def test_a_certificate_names_every_host_at_which_the_node_is_reached() -> None:
    group = plan(host="docker", publish="0.0.0.0")
    hosts = node_hosts(group, group.nodes[1])
    assert {"localhost", "127.0.0.1", "::1", "docker", "g-1", "g-1.g", "host.docker.internal"} == hosts
    assert "g-0" not in hosts
    proxied = plan(proxied=True)
    assert {"g-proxy", "proxy.g", "g-1.clients"} <= node_hosts(proxied, proxied.nodes[1])
