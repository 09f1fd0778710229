"""The real server reads what `stanlocal.render.stan_conf` writes, and understands it as it was meant."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from stanlocal.model.plan import GroupPlan, Listen, NodePlan
from stanlocal.render.stan_conf import render
from stanlocal.settings import load
from stanlocal.settings.nats import NATS
from stanlocal.settings.schema import Kind, Table
from stanlocal.settings.streaming import STREAMING
from tests.support.ports import free_ports
from tests.support.server import READY, monitor, run_server

pytestmark = pytest.mark.server

HOUR_NS = 3600 * 10**9
HOSTILE = (
    'quote"quote',
    "apostrophe'",
    "back\\slash",
    "\\",
    "\\n",
    "\\x41",
    "$HOME",
    "$2z$not-bcrypt",
    "${HOME}",
    "# no comment",
    "// no comment",
    "end } ] ) ;",
    "two\nlines",
    "tab\tand\rreturn",
    "nul\0and\x1b[31mescape",
    "5m",
    "true",
    "127.0.0.1:4222",
    "2024-01-01T00:00:00Z",
    "include 'x'",
    " blanks ",
    "ünï©ödé 日本 \U0001f600",
    "right\u202eto left\u2028line",
)


def local_plan(
    streaming: Mapping[str, Any], nats: Mapping[str, Any], *, nodes: int = 1, group: str = "conf"
) -> GroupPlan:
    """A group of local processes on free ports."""
    ports = iter(free_ports(3 * nodes))
    listens = [Listen("127.0.0.1", next(ports), next(ports), next(ports)) for _ in range(nodes)]
    planned = tuple(
        NodePlan(f"{group}-{index}", index, listen.client, listen.monitor, "127.0.0.1", listen)
        for index, listen in enumerate(listens)
    )
    return GroupPlan(group, "", planned, "", "", "", streaming, nats)


def settled(
    streaming: Mapping[str, Any] | None = None,
    nats: Mapping[str, Any] | None = None,
    preset: str | None = None,
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The options as `load` settles them."""
    given = {"streaming": streaming or {}, "nats": nats or {}, "preset": preset}
    settings = load(given, {}, None, Path("/"))
    return settings.streaming, settings.nats


def test_preset_seed_arrives_to_the_letter(server_binary: Path, tmp_path: Path) -> None:
    """The limits and file options of the guide's ConfigMap are those the server says it has."""
    plan = local_plan(*settled(preset="seed"))
    store = tmp_path / "store"
    with run_server(
        server_binary, render(plan, plan.nodes[0], store_dir=str(store)), tmp_path / "etc"
    ) as server:
        server.wait_for(READY)
        server.wait_for(f"Store location: {store}")
        storez = monitor(plan.nodes[0].monitor_port, "/streaming/storez")
        serverz = monitor(plan.nodes[0].monitor_port, "/streaming/serverz")
    assert storez["type"] == "FILE"
    assert storez["limits"] == {
        "max_channels": 10,
        "max_msgs": 0,
        "max_bytes": 256 * 1024**3,
        "max_age": HOUR_NS,
        "max_subscriptions": 128,
        "max_inactivity": 0,
    }
    assert serverz["cluster_id"] == "test-cluster"
    assert serverz["state"] == "FT_ACTIVE"


def test_defaults_limit_neither_channels_nor_age(server_binary: Path, tmp_path: Path) -> None:
    plan = local_plan(*settled())
    with run_server(
        server_binary, render(plan, plan.nodes[0], store_dir=str(tmp_path / "store")), tmp_path
    ) as server:
        server.wait_for(READY)
        limits = monitor(plan.nodes[0].monitor_port, "/streaming/storez")["limits"]
    assert limits["max_channels"] == 0
    assert limits["max_age"] == 0


def test_nodes_find_each_other_by_their_names_at_the_first_try(server_binary: Path, tmp_path: Path) -> None:
    """Cluster name, server names, routes and client addresses are understood; nothing is rejected."""
    plan = local_plan(*settled(), nodes=2, group="pair")
    first, second = plan.nodes
    confs = [render(plan, node, store_dir=str(tmp_path / "store")) for node in plan.nodes]
    with (
        run_server(server_binary, confs[0], tmp_path / "0") as one,
        run_server(server_binary, confs[1], tmp_path / "1") as two,
    ):
        for server in (one, two):
            server.wait_for("STREAM: Starting in standby mode")
            server.wait_for("Route connection created")
        varz = monitor(first.monitor_port, "/varz")
        routez = monitor(first.monitor_port, "/routez")
        info = greeting(second.client_port)
        one.wait_for("Cluster name is pair")
        assert "Rejecting connection" not in one.log + two.log
    assert varz["server_name"] == "pair-0"
    assert varz["cluster"]["name"] == "pair"
    assert {route["remote_name"] for route in routez["routes"]} == {"pair-1"}
    assert set(info["connect_urls"]) == {f"127.0.0.1:{node.client_port}" for node in plan.nodes}


def test_advertised_addresses_are_used(server_binary: Path, tmp_path: Path) -> None:
    """Clients get the published host address, routes the node's cluster address."""
    plan = local_plan(*settled())
    (node,) = plan.nodes
    published = NodePlan(node.name, 0, 14222, 18222, "stan-0.example", node.listen)
    with run_server(
        server_binary, render(plan, published, store_dir=str(tmp_path / "store")), tmp_path
    ) as server:
        server.wait_for(READY)
        told_to_clients = greeting(node.listen.client)
        told_to_nodes = greeting(node.listen.cluster)
    assert (told_to_clients["host"], told_to_clients["port"]) == ("127.0.0.1", 14222)
    assert told_to_nodes["ip"] == f"nats-route://stan-0.example:{node.listen.cluster}/"


def test_hostile_passwords_and_channel_names_arrive_unchanged(server_binary: Path, tmp_path: Path) -> None:
    """Whatever is in a password, its user gets in with it and with nothing else."""
    users = [{"user": f"user{index}", "password": password} for index, password in enumerate(HOSTILE)]
    channels = {
        name: {"max_msgs": 7} for name in ('quo"te.>', "apos'trophe", "$HOME", "#hash", "a.*.ünï", "5m")
    }
    options = settled(
        {
            "username": "user0",
            "password": HOSTILE[0],
            "store_limits": {"channels": channels},
        },
        {"authorization": {"users": users, "timeout": 1.5}},
    )
    plan = local_plan(*options)
    (node,) = plan.nodes
    with run_server(server_binary, render(plan, node, store_dir=str(tmp_path / "store")), tmp_path) as server:
        server.wait_for(READY)
        refused = [user for user in users if not gets_in(node.listen.client, user["user"], user["password"])]
        assert not refused
        assert not gets_in(node.listen.client, "user0", "something else")
        limits = monitor(node.monitor_port, "/streaming/storez")["limits"]
    assert {name: each["max_msgs"] for name, each in limits["channels"].items()} == dict.fromkeys(channels, 7)


def test_every_option_that_can_be_set_is_accepted(server_binary: Path, tmp_path: Path) -> None:
    """No option of the tables has a kind, a range or a spelling that the server refuses."""
    given = {name: example(table) for name, table in (("streaming", STREAMING), ("nats", NATS))}
    given["nats"]["lame_duck_grace_period"] = "1s"
    del given["nats"]["trace"], given["nats"]["trace_verbose"]  # refused beside a token, which they would log
    plan = local_plan(*settled(given["streaming"], given["nats"]))
    (node,) = plan.nodes
    with run_server(server_binary, render(plan, node, store_dir=str(tmp_path / "store")), tmp_path) as server:
        server.wait_for(READY)
        varz = monitor(node.monitor_port, "/varz")
        limits = monitor(node.monitor_port, "/streaming/storez")["limits"]
    assert limits["max_channels"] == 1
    assert varz["max_payload"] == 4096
    assert varz["ping_interval"] == 60 * 10**9
    assert varz["tags"] == ["word"]


def test_options_that_need_each_other_work_together(server_binary: Path, tmp_path: Path) -> None:
    """Partitioning with its channels, encryption with its key, accounts with the server's own login."""
    key = 'k\\ey"$\n'
    plan = local_plan(
        *settled(
            {
                "partitioning": True,
                "store_limits": {"channels": {"only": {}}},
                "encryption_key": key,
                "username": "stan",
                "password": "s3cret",
            },
            {
                "accounts": {"A": {"users": [{"user": "stan", "password": "s3cret"}]}, "B": {}},
                "system_account": "B",
            },
        )
    )
    (node,) = plan.nodes
    with run_server(server_binary, render(plan, node, store_dir=str(tmp_path / "store")), tmp_path) as server:
        server.wait_for(READY)
        limits = monitor(node.monitor_port, "/streaming/storez")["limits"]
        assert gets_in(node.listen.client, "stan", "s3cret")
    assert list(limits["channels"]) == ["only"]


CONTRADICTING_OR_NEEDING_FILES = {
    *("partitioning", "encrypt", "username", "password", "user", "users", "accounts", "no_auth_user"),
    *("system_account", "no_system_account", "credentials", "nkey_seed_file", "secure", "tls"),
    *("allow_non_tls", "ocsp", "ocsp_cache", "nats_server_url"),
}


def example(table: Table) -> dict[str, Any]:
    """A valid value for every option of the table that stands alone."""
    words = {"permissions": {"publish": "a", "subscribe": {"allow": ["b"], "deny": "c"}}}
    words["default_permissions"] = words["permissions"]
    words["mappings"] = {"from": "to"}
    values: dict[str, Any] = {}
    for option in table.options:
        if option.refused or option.name in CONTRADICTING_OR_NEEDING_FILES:
            continue
        match option.kind:
            case Kind.TABLE if option.table:
                values[option.name] = example(option.table)
            case Kind.MAP if option.table:
                values[option.name] = {"one.*": example(option.table)}
            case Kind.BOOLEAN:
                values[option.name] = True
            case Kind.INTEGER:
                values[option.name] = max(option.minimum or 0, 1)
            case Kind.NUMBER:
                values[option.name] = 1.5
            case Kind.SIZE:
                values[option.name] = 4096
            case Kind.DURATION:
                values[option.name] = "1m"
            case Kind.CHOICE:
                values[option.name] = option.choices[0]
            case Kind.STRUCTURE:
                values[option.name] = words[option.name]
            case Kind.STRINGS:
                values[option.name] = ["word"]
            case Kind.PATH:
                values[option.name] = __file__
            case _:
                values[option.name] = "word"
    return values


def greeting(port: int) -> Any:
    """The INFO that a NATS server sends to every client that connects."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        line = connection.makefile("rb").readline()
    return json.loads(line.removeprefix(b"INFO "))


def gets_in(port: int, user: str, password: str) -> bool:
    """Return whether the server lets a client log in."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        lines = connection.makefile("rb")
        lines.readline()
        login = json.dumps({"user": user, "pass": password, "verbose": False})
        connection.sendall(f"CONNECT {login}\r\nPING\r\n".encode())
        return next((line for line in lines if line.startswith((b"PONG", b"-ERR"))), b"").startswith(b"PONG")
