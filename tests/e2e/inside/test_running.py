"""Commands and metrics that look inside a running group, through a failover."""

from __future__ import annotations

import json
import secrets
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from prometheus_client import parser

from tests.support.cli import Cli, interrupt, the_error

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory, docker_client: docker.DockerClient) -> Iterator[Cli]:
    """A group with a channel of 300 messages, and a durable that has 100 of them and went away."""
    cli = Cli(tmp_path_factory.mktemp("inside"), group=f"t-{secrets.token_hex(4)}")
    cli.ok("up")
    cli.ok("pub", "orders", "--count", "300")
    cli.ok("sub", "orders", "--all", "--durable", "audit", "--client-id", "auditor", "--count", "100")
    cli.ok("pub", "bills.eu", "one")
    yield cli
    cli.ok("down", "--purge", "--yes", "--timeout", "0")


def test_channels_and_their_readers_are_listed(cli: Cli) -> None:
    (orders,) = cli.json("channels", "ord*")["channels"]
    assert (orders["msgs"], orders["last_seq"], orders["unread_durables"]) == (300, 300, ["auditor/audit"])
    assert orders["backlog"] == 200
    names = [each["name"] for each in cli.json("channels", "--sort", "msgs")["channels"]]
    assert names == ["orders", "bills.eu"]
    assert "no subscriber reads the durable auditor/audit of orders" in cli.ok("channels")


def test_clients_and_subscriptions_are_listed(cli: Cli) -> None:
    with cli.started("sub", "bills.eu", "--client-id", "reader", "--all", "--json") as reading:
        assert reading.stdout is not None
        assert json.loads(reading.stdout.readline())["seq"] == 1
        assert [each["id"] for each in cli.json("clients", "read*")["clients"]] == ["reader"]
        (sub,) = cli.json("subscriptions", "bills.*")["subscriptions"]
        assert (sub["channel"], sub["client_id"], sub["is_offline"]) == ("bills.eu", "reader", False)
    (sub,) = cli.json("subscriptions", "orders")["subscriptions"]
    assert (sub["durable_name"], sub["is_offline"], sub["backlog"]) == ("audit", True, 200)


def test_a_watch_tells_rates_until_it_is_interrupted(cli: Cli) -> None:
    with cli.started("channels", "orders", "--watch", "--interval", "0.2", "--json") as watching:
        assert watching.stdout is not None
        first, second = (json.loads(watching.stdout.readline()) for _ in range(2))
        code, _, error = interrupt(watching)
    assert first["redelivered_rate"] is None
    assert second["channels"][0]["in_rate"] == 0
    assert (code, "Traceback" in error) == (130, False)


def test_the_store_of_a_running_group_is_intact(cli: Cli) -> None:
    assert cli.json("store", "verify")["ok"] is True
    shown = {each["name"]: each for each in cli.json("store")["channels"]}
    assert shown["orders"]["kept"]["msgs"] == 300


def scrape(url: str) -> dict[tuple[str, str], float]:
    """The samples of a scrape, by name and node, or else the cause of a failover, or neither."""
    with urllib.request.urlopen(url, timeout=5) as answer:
        text = answer.read().decode()
    families = parser.text_string_to_metric_families(text)
    samples = [sample for family in families for sample in family.samples]
    return {(sample.name, _of(sample.labels)): sample.value for sample in samples}


def scrape_until(url: str, sample: tuple[str, str], value: float) -> dict[tuple[str, str], float]:
    """Scrape until a sample has the value: the endpoint learns of the same events as `wait`, not first."""
    end = time.monotonic() + 10
    while (found := scrape(url))[sample] != value and time.monotonic() < end:
        time.sleep(0.1)
    assert found[sample] == value, {each: counted for each, counted in found.items() if each[0] == sample[0]}
    return found


def _of(labels: dict[str, str]) -> str:
    return next((labels[name] for name in ("server_id", "node", "cause") if labels.get(name)), "")


def test_metrics_tell_of_a_failover_and_of_the_node_that_is_gone(cli: Cli, tmp_path: Path) -> None:
    with cli.started("metrics", "--listen", "127.0.0.1:0", "--json") as serving:
        assert serving.stdout is not None
        url = json.loads(serving.stdout.readline())["url"]
        node = f"{cli.group}-0"
        other = f"{cli.group}-1"
        before = scrape(url)
        assert {before["nss_server_active", node], before["nss_server_active", other]} == {0, 1}
        active = node if before["nss_server_active", node] else other
        standby = other if active == node else node
        assert before["nss_server_channels", active] == 2
        assert before["stanlocal_failovers_total", "kill"] == 0
        cli.ok("kill", "@active")
        cli.ok("wait", "--state", "degraded", "--timeout", "20")
        after = scrape_until(url, ("stanlocal_failovers_total", "kill"), 1)
        assert after["nss_server_active", standby] == 1
        assert (after["stanlocal_monitor_up", active], after["stanlocal_monitor_up", standby]) == (0, 1)
        assert after["stanlocal_store_bytes", ""] > 300 * 128
        code, _, error = interrupt(serving)
    assert (code, "Traceback" in error) == (130, False)


def test_a_group_of_this_machine_needs_no_forwarded_ports(cli: Cli) -> None:
    done = cli.run("forward")
    assert done.returncode == 2
    assert f"'{cli.group}' needs no forwarded ports: it is reached at nats://127.0.0.1:" in the_error(done)


def test_without_an_active_node_it_is_said_which_nodes_there_are(cli: Cli) -> None:
    cli.ok("stop", "@all", "--timeout", "0")
    done = cli.run("channels")
    assert done.returncode == 4
    assert "no node is active now" in the_error(done)
