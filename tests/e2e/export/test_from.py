"""Existing deployments, brought up on the real engine and exported again."""

from __future__ import annotations

import json
import shutil
import socket
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests import seed
from tests.conftest import unavailable
from tests.e2e.export.conftest import make_secrets
from tests.support.cli import Cli

pytestmark = pytest.mark.docker


def limits(document: dict[str, Any]) -> dict[str, Any]:
    """The store's limits as the active node has them."""
    active = next(node for node in document["nodes"] if node["name"] == document["active"])
    with urllib.request.urlopen(f"{active['monitor_url']}/streaming/storez", timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)["limits"]
    return found


def test_the_guides_manifests_start_its_group(cli: Cli) -> None:
    done = cli.run("up", "--from", str(seed.EFS), "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["state"] == "healthy"
    assert (document["cluster_id"], len(document["nodes"])) == ("test-cluster", 3)
    found = limits(document)
    assert found["max_channels"] == 10
    assert found["max_age"] == 3600 * 10**9
    assert found["max_bytes"] == 256 << 30
    assert "PersistentVolumeClaim/efs (line 128)" in done.stderr


def test_the_guides_configuration_starts_its_group_and_it_fails_over(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "stan.conf"
    file.write_text(seed.stan_conf())
    assert cli.json("up", "--from", str(file), "--nodes", "2")["state"] == "healthy"
    cli.ok("pub", "orders", "one")
    before = cli.json("status")["active"]
    cli.ok("kill", "@active")
    cli.ok("wait", "--state", "degraded", "--timeout", "20")
    assert cli.json("status")["active"] not in (None, before)
    assert '"one"' in cli.ok("sub", "orders", "--all", "--count", "1", "--timeout", "20", "--json")


def test_a_compose_pair_by_flags_starts_and_fails_over(cli: Cli, tmp_path: Path) -> None:
    service = """
    image: nats-streaming:${TAG:-0.25.6}
    command: -store file -dir /data -ft_group ft -cid $CLUSTER -cluster nats://0.0.0.0:6222
      -routes nats://a:6222,nats://b:6222 -mc 5 -ma 90m
    volumes: [data:/data]"""
    file = tmp_path / "compose.yaml"
    file.write_text(f"services:\n  a:{service}\n  b:{service}\nvolumes: {{data: {{}}}}\n")
    (tmp_path / ".env").write_text("CLUSTER=orders\n")
    kills_and_heals(cli, file)
    found = limits(cli.json("status"))
    assert (found["max_channels"], found["max_age"]) == (5, 90 * 60 * 10**9)


def test_a_compose_pair_by_mounted_files_starts_and_fails_over(cli: Cli, tmp_path: Path) -> None:
    service = """
    image: mine/stan
    entrypoint: [/bin/sh, -c]
    command: ["exec nats-streaming-server -c $$CONF -cid orders"]
    profiles: [ft]
    env_file: vars.env
    volumes: ["./conf:/etc/stan:ro"]"""
    file = tmp_path / "compose.yaml"
    file.write_text(f"services:\n  a:{service}\n  b:{service}\n")
    (tmp_path / "vars.env").write_text("CONF=/etc/stan/stan.conf\nAGE='\"90m\"'\n")
    (tmp_path / "conf").mkdir()
    conf = "store: file\n dir: /data\n ft_group: ft\n store_limits { max_channels: 5, max_age: $AGE }"
    (tmp_path / "conf" / "stan.conf").write_text(f"streaming {{\n {conf}\n}}\n")
    kills_and_heals(cli, file)
    found = limits(cli.json("status"))
    assert (found["max_channels"], found["max_age"]) == (5, 90 * 60 * 10**9)


def kills_and_heals(cli: Cli, file: Path) -> None:
    """Bring a deployment up, kill its active node, and start that again."""
    document = cli.json("up", "--from", str(file))
    assert (document["state"], document["cluster_id"], document["ft_group"]) == ("healthy", "orders", "ft")
    assert len(document["nodes"]) == 2
    cli.ok("kill", "@active")
    cli.ok("wait", "--state", "degraded", "--timeout", "20")
    after = cli.json("status")
    assert after["active"] not in (None, document["active"])
    cli.ok("start", document["active"])
    cli.ok("wait", "--state", "healthy", "--timeout", "20")


def test_an_exported_secured_group_comes_back_with_its_tls_and_login(cli: Cli, tmp_path: Path) -> None:
    """Its secrets and certificates are in the files that its compose.yaml names; nothing else is given."""
    if shutil.which("openssl") is None:
        unavailable("no openssl; Debian has it as a package of that name")
    folder = tmp_path / "exported"
    cli.ok("export", "compose", "--output", str(folder), STANLOCAL_SECURE="true")
    refused = cli.run("up", "--from", str(folder / "compose.yaml"))
    assert refused.returncode == 2
    assert "NATS_AUTHORIZATION_USERS_0_PASSWORD" in refused.stderr
    make_secrets(folder, 'pa"ss')
    document = cli.json("up", "--from", str(folder / "compose.yaml"))
    assert document["state"] == "healthy"
    cli.ok("pub", "orders", "one")
    port = int(document["client_urls"][0].rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        greeting = plain.makefile().readline()
    assert '"auth_required":true' in greeting
    assert '"tls_required":true' in greeting


@pytest.mark.slow
def test_the_guides_chart_values_start_its_second_group(cli: Cli) -> None:
    document = cli.json("up", "--from", str(seed.VALUES))
    assert document["state"] == "healthy"
    assert (document["cluster_id"], document["ft_group"]) == ("stan", "my-group")
    assert len(document["nodes"]) == 2


@pytest.mark.parametrize(
    ("export", "file"),
    [
        (("kubernetes", "--name", "stan"), "stan.yaml"),
        pytest.param(("helm", "--name", "stan"), "values.yaml", marks=pytest.mark.slow),
    ],
)
def test_an_export_of_a_running_group_starts_one_with_the_same_export(
    cli: Cli, tmp_path: Path, export: tuple[str, ...], file: str
) -> None:
    cli.ok("up", "--preset", "seed", "--nodes", "2")
    first = cli.ok("export", *export)
    (tmp_path / file).write_text(first)
    cli.ok("down", "--purge", "--yes", "--timeout", "0")
    assert cli.json("up", "--from", str(tmp_path / file))["state"] == "healthy"
    assert cli.ok("export", *export) == first


def test_a_file_that_cannot_be_run_is_refused_and_leaves_nothing(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "stan.conf"
    file.write_text("streaming {\n  store: sql\n}\n")
    done = cli.run("up", "--from", str(file))
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {file}:2:3: streaming.store is 'sql': ")
    assert done.stderr.count("\n") == 1
