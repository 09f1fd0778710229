"""An engine on another machine, or in a container beside the tests: other addresses, other folders."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.conftest import unavailable
from tests.e2e.plugin.job import Job
from tests.support.census import take
from tests.support.cli import Cli
from tests.support.other_engine import OtherEngine, missing, other_engine
from tests.support.ports import VARIABLE

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def hidden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the engine does not see."""
    return tmp_path_factory.mktemp("hidden")


@pytest.fixture(scope="module")
def engine(docker_client: docker.DockerClient, server_image: str, hidden: Path) -> Iterator[OtherEngine]:
    if (why := missing()) is not None:
        unavailable(why)
    with other_engine(hidden) as engine:
        engine.load(server_image, docker_client)
        yield engine


@pytest.fixture
def cli(engine: OtherEngine, hidden: Path, tmp_path: Path, group_name: str) -> Iterator[Cli]:
    environment = {
        "DOCKER_HOST": engine.url,
        "XDG_STATE_HOME": str(hidden),
        "XDG_CACHE_HOME": str(hidden / "cache"),
        VARIABLE: "",  # its ports are its own machine's: the usual ones are free
    }
    cli = Cli(tmp_path, environment, group_name)
    yield cli
    cli.run("down", "--purge", "--yes", "--timeout", "0")


def test_a_group_in_volumes_lives_as_any_other(
    cli: Cli, engine: OtherEngine, tmp_path: Path, group_name: str
) -> None:
    up = cli.run("--json", "up", "--nodes", "2")
    document = json.loads(up.stdout)
    assert document["client_urls"] == [f"nats://{engine.address}:{port}" for port in (4222, 4223)]
    assert document["store_dir"] == f"{group_name}-store:/data/stan/store"
    assert f"clients reach the group at {engine.address}" in up.stderr
    assert f"the store is the volume {group_name}-store" in up.stderr
    published = engine.client.containers.get(f"{group_name}-0").attrs["NetworkSettings"]["Ports"]["4222/tcp"]
    assert published == [{"HostIp": engine.address, "HostPort": "4222"}], "on no wider address"

    cli.ok("pub", "orders", "kept")
    cli.ok("kill", "@active")
    assert cli.json("wait", "--state", "degraded")["active"] != document["active"]
    cli.ok("down", "--timeout", "5")
    cli.ok("up")
    assert cli.json("sub", "orders", "--all", "--count", "1")["data"] == "kept"

    refused = cli.run("store", "verify")
    assert refused.returncode == 2
    assert f"docker cp {group_name}-store:/data/stan/store DIR" in refused.stderr
    chunks, _ = engine.client.api.get_archive(f"{group_name}-store", "/data/stan/store")
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
        archive.extractall(tmp_path / "copy", filter="data")
    assert "1 messages" in cli.ok("store", "verify", "--dir", str(tmp_path / "copy/store"))

    cli.ok("down", "--purge", "--yes", "--timeout", "0")
    left = take(engine.client, prefix=group_name)
    assert not left.containers | left.networks | left.volumes


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--store-dir", "{hidden}/mine"), "store_dir names {hidden}/mine, which the engine does not see"),
        (("--config", "{hidden}/run.toml"), "slice_archive_script names {hidden}/run.sh, which the engine"),
    ],
)
def test_files_that_the_engine_would_have_to_see_are_refused(
    cli: Cli, hidden: Path, arguments: tuple[str, ...], why: str
) -> None:
    (hidden / "run.sh").touch()
    script = f'slice_archive_script = "{hidden}/run.sh"'
    (hidden / "run.toml").write_text(f"[streaming.file_options]\n{script}\n")
    refused = cli.run("up", *(each.format(hidden=hidden) for each in arguments))
    assert refused.returncode == 2
    assert why.format(hidden=hidden) in refused.stderr


def test_anothers_volume_of_the_stores_name_is_not_touched(
    cli: Cli, engine: OtherEngine, group_name: str
) -> None:
    foreign = engine.client.volumes.create(f"{group_name}-store")
    refused = cli.run("up")
    assert refused.returncode == 2
    assert f"'{foreign.name}' exists already and was not made by stanlocal for you" in refused.stderr
    engine.client.volumes.get(foreign.name).remove()


def test_a_job_beside_the_engine_as_gitlab_runs_it(job: Job, engine: OtherEngine) -> None:
    before = take(engine.client)
    ran = job.run(hosts={"docker": engine.address}, DOCKER_HOST="tcp://docker:2375")
    assert (ran.code, ran.outcomes) == (0, {"passed": 1}), ran.text
    document = job.document()
    assert all(url.startswith("nats://docker:") for url in document["client_urls"])
    assert document["store_dir"] == f"{document['group']}-store:/data/stan/store"
    assert take(engine.client) == before
