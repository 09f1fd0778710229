"""Existing deployments, brought up on the real engine and exported again."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests import seed
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
    assert "PersistentVolumeClaim/efs left out" in done.stderr


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
