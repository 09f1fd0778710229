"""The image of stanlocal: what is in it, who it runs as, and a runner that has Docker and nothing else."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.conftest import unavailable
from tests.e2e.plugin.job import SOCKET
from tests.support.census import NOTHING, take
from tests.support.cli import ROOT, Cli
from tests.support.other_engine import missing as missing_engine
from tests.support.other_engine import other_engine
from tests.support.own_image import OwnImage, missing, own_image
from tests.support.ports import of_the_module

pytestmark = [
    pytest.mark.slow,
    pytest.mark.docker,
    pytest.mark.timeout(2400),
    pytest.mark.usefixtures("server_image"),
]

MOUNT = f"{SOCKET}:{SOCKET}"
JOB = """
set -eu
stanlocal() { docker run --rm -v SOCKET:SOCKET -e FIRST "$IMAGE" --group "$GROUP" "$@"; }
if command -v python3; then exit 9; fi
stanlocal up
eval "$(stanlocal env)"
export NATS_URL STAN_CLUSTER_ID
(sleep 2; stanlocal kill @active; stanlocal wait --state degraded; stanlocal start @all) >faults 2>&1 &
./orders.test -test.v
wait
stanlocal failovers
stanlocal down --purge --yes
"""
"""A CI job: group up, tests while the active node is killed, group down."""


@pytest.fixture(scope="module")
def image(docker_client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnImage]:
    if (reason := missing()) is not None:
        unavailable(reason)
    with own_image(docker_client, tmp_path_factory.mktemp("image")) as built:
        yield built


@pytest.fixture(scope="module")
def go_example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Go example's tests as one executable that needs nothing."""
    if shutil.which("go") is None:
        unavailable("no go, which builds the example")
    folder = tmp_path_factory.mktemp("go")
    folder.chmod(0o755)  # stanlocal in its image is another user
    made = folder / "orders.test"
    subprocess.run(
        ["env", "CGO_ENABLED=0", "go", "test", "-c", "-o", made, "."],
        cwd=ROOT / "examples" / "go",
        check=True,
        capture_output=True,
        timeout=600,
    )
    return made


def run(image: OwnImage, *arguments: str, **options: Any) -> str:
    """Return the output of the image with the engine's socket."""
    given: dict[str, Any] = {"volumes": [MOUNT], **options}
    said: bytes = image.client.containers.run(image.name, list(arguments), remove=True, stderr=True, **given)
    return said.decode()


def test_it_is_small_and_has_no_compiler(image: OwnImage) -> None:
    assert image.added_bytes < 120e6
    tools = "command -v gcc cc make pip pip3 uv; test ! -e /src"
    said = run(image, "-c", tools, entrypoint="sh", volumes=[])
    assert said == ""
    assert run(image, volumes=[]).startswith("Usage: stanlocal")


def test_it_gives_up_root_where_the_sockets_group_or_anyone_may_use_it(
    image: OwnImage, tmp_path: Path
) -> None:
    script = (
        "import os, runpy; "
        "runpy.run_path('/opt/stanlocal/bin/image-entrypoint')['give_up_root'](); "
        "print(os.getuid(), sorted(os.getgroups()))"
    )

    def runs_as(mode: int | None, gid: int = 4321) -> str:
        socket = tmp_path / "engine.sock"
        if mode is not None:
            socket.touch()
            socket.chmod(mode)
            shutil.chown(socket, 0, gid)
        bound = [f"{tmp_path}:/var/run/engine"]
        env = {"DOCKER_HOST": "unix:///var/run/engine/engine.sock"}
        return run(image, "-c", script, entrypoint="python", volumes=bound, environment=env).strip()

    assert runs_as(None) == "65532 [65532]"
    assert runs_as(0o660) == "65532 [4321, 65532]"
    assert runs_as(0o666) == "65532 [65532]"
    assert runs_as(0o600) == "0 [0]"


def test_a_runner_with_docker_alone_gets_a_group_and_leaves_nothing(
    image: OwnImage, go_example: Path, tmp_path: Path, group_name: str, docker_client: docker.DockerClient
) -> None:
    client = shutil.which("docker")
    assert client is not None
    name, first = next(iter(of_the_module().items()))
    shutil.copy(go_example, tmp_path)
    (tmp_path / "job.sh").write_text(JOB.replace("SOCKET", SOCKET).replace("FIRST", name))
    said = image.client.containers.run(
        image.base,
        ["-c", "rm /usr/bin/python3*; exec sh job.sh"],
        entrypoint="sh",
        working_dir="/job",
        volumes=[MOUNT, f"{tmp_path}:/job", f"{client}:/usr/local/bin/docker:ro"],
        environment={"IMAGE": image.name, "GROUP": group_name, name: first},
        remove=True,
        stderr=True,
    ).decode()
    assert "--- PASS: TestNoOrderIsLost" in said, said
    assert f"{group_name}-0  {group_name}-1" in said, said
    assert f"{group_name} is down" in said
    assert take(docker_client, prefix=group_name) == NOTHING


def test_a_command_in_the_image_runs_while_the_group_fails_over(
    image: OwnImage, go_example: Path, docker_client: docker.DockerClient
) -> None:
    faults = ("--fault", "kill:@active", "--every", "3s")
    volumes = [MOUNT, f"{go_example.parent}:/work:ro"]
    said = run(image, "run", *faults, "--", "./orders.test", volumes=volumes, environment=of_the_module())
    assert " succeeded after " in said
    assert "no outage" not in said
    group = said.rpartition(" on run-")[2].partition(";")[0]
    assert take(docker_client, prefix=f"run-{group}") == NOTHING


def test_with_docker_in_docker_the_group_is_where_the_job_reaches_it(
    image: OwnImage, server_image: str, tmp_path: Path, group_name: str
) -> None:
    if (why := missing_engine()) is not None:
        unavailable(why)
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    with other_engine(hidden) as engine:
        for name in (server_image, image.name):
            engine.load(name, image.client)
        inner = OwnImage(image.name, image.base, engine.client)
        given: dict[str, Any] = {"environment": {"DOCKER_HOST": engine.url}, "volumes": []}
        said = run(inner, "--group", group_name, "up", **given)
        assert f"connect to nats://{engine.address}:4222,nats://{engine.address}:4223" in said
        job = Cli(tmp_path)
        url = f"nats://{engine.address}:4222,nats://{engine.address}:4223"
        sent = job.json("pub", "orders", "one", "--url", url, "--cluster-id", "test-cluster")
        assert sent["acked"] == 1
        run(inner, "--group", group_name, "down", "--purge", "--yes", **given)
        assert take(engine.client, prefix=group_name) == NOTHING
