"""The server image on the real engine; under names of the tests' own, which no registry has."""

import asyncio
import json
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import docker
import docker.errors
import pytest

from stanlocal.cli.app import run
from stanlocal.engine.artifacts.binary import Platform
from stanlocal.engine.artifacts.image import build_image, engine_platform, ensure_image, inspect_image
from stanlocal.errors import ImageNotFound

pytestmark = pytest.mark.docker


@pytest.fixture
def image(docker_client: docker.DockerClient) -> Iterator[str]:
    """A name that counts as the official image's, and that the engine has no image of."""
    name = f"stanlocal-test-{secrets.token_hex(4)}/nats-streaming:0.25.6"
    yield name
    try:
        docker_client.images.remove(name)
    except docker.errors.ImageNotFound:
        return  # the test made none


def ignore(line: str) -> None:
    """Discard progress."""


async def test_without_a_registry_the_image_is_made_from_the_local_server(
    docker_client: docker.DockerClient, image: str, server_binary: Path
) -> None:
    said: list[str] = []
    async with asyncio.timeout(60):
        origin = await ensure_image(docker_client, image, server_binary=server_binary, progress=said.append)
    assert (origin.source, origin.version) == ("binary", "0.25.6")
    assert said[0] == f"pulling {image}"
    assert said[1].startswith(f"cannot pull {image}: ")
    assert re.fullmatch(f"making {re.escape(image)} from /.*{server_binary.name}", said[2])


async def test_the_image_that_was_made_runs_the_server(
    docker_client: docker.DockerClient, image: str, server_binary: Path
) -> None:
    await build_image(docker_client, image, server_binary=server_binary, progress=ignore)
    printed = docker_client.containers.run(image, ["--version"], remove=True, read_only=True, user="65534")
    assert printed.startswith(b"nats-streaming-server version 0.25.6")


async def test_an_image_that_is_there_is_used_and_nothing_is_done(
    docker_client: docker.DockerClient, image: str, server_binary: Path
) -> None:
    made = await build_image(docker_client, image, server_binary=server_binary, progress=ignore)
    said: list[str] = []
    assert await ensure_image(docker_client, image, server_binary=None, progress=said.append) == made
    assert said == []


async def test_two_at_once_end_with_the_same_image(
    docker_client: docker.DockerClient, image: str, server_binary: Path
) -> None:
    both = [build_image(docker_client, image, server_binary=server_binary, progress=ignore) for _ in range(2)]
    one, other = await asyncio.gather(*both)
    assert one == other


async def test_when_no_way_leads_there_each_says_why(
    docker_client: docker.DockerClient, image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("stanlocal.engine.artifacts.go_build._USUAL_PLACE", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(ImageNotFound, match=f"no source has the image {re.escape(image)}: ") as raised:
        await ensure_image(docker_client, image, server_binary=None, progress=ignore)
    pulled, local, go = raised.value.attempts
    assert pulled.startswith(f"cannot pull {image}: ")
    assert local == "no nats-streaming-server on PATH and none set by STANLOCAL_SERVER_BINARY"
    assert go == "no go on PATH"
    assert all(attempt in str(raised.value) for attempt in raised.value.attempts)
    assert await inspect_image(docker_client, image) is None


async def test_an_image_that_is_not_the_official_one_is_never_replaced_by_one_made_here(
    docker_client: docker.DockerClient, server_binary: Path
) -> None:
    image = f"localhost/stanlocal-test-{secrets.token_hex(4)}:0.25.6"
    with pytest.raises(ImageNotFound) as raised:
        await ensure_image(docker_client, image, server_binary=server_binary, progress=ignore)
    [attempt] = raised.value.attempts
    assert attempt.startswith(f"cannot pull {image}: ")


async def test_the_engines_platform_is_given_in_gos_words(docker_client: docker.DockerClient) -> None:
    platform = await engine_platform(docker_client)
    assert platform.os == "linux"
    assert platform in {
        Platform("linux", name) for name in ("amd64", "arm64", "arm", "386", "ppc64le", "s390x")
    }


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("go") is None, reason="builds with go, which is not on PATH")
async def test_without_a_local_server_go_builds_one_for_the_engine(
    docker_client: docker.DockerClient, image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The build works with GOBIN set, which go refuses when it builds for another platform."""
    go = shutil.which("go")
    assert go is not None
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "go").symlink_to(go)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("GOBIN", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    origin = await build_image(docker_client, image, server_binary=None, progress=ignore)
    assert origin.source == "go"
    printed = docker_client.containers.run(image, ["--version"], remove=True)
    assert printed.startswith(b"nats-streaming-server version 0.25.6")


def test_status_says_whether_the_image_is_there_and_where_it_came_from(
    image: str, server_binary: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STANLOCAL_IMAGE", image)
    monkeypatch.setenv("STANLOCAL_SERVER_BINARY", str(server_binary))
    assert run(["image", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"image": image, "present": False}
    assert run(["image", "build", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["image"], made["present"], made["source"]) == (image, True, "binary")
    assert run(["image", "status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == made
    assert run(["image", "status"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"{image}: made by stanlocal from a local nats-streaming-server\n")
    assert made["id"] in shown


def test_a_pull_that_fails_is_one_line_with_the_reason_and_the_engines_exit_code(
    image: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STANLOCAL_IMAGE", image)
    assert run(["image", "pull", "--json"]) == 3
    printed = capsys.readouterr()
    error = json.loads(printed.out)["error"]
    assert error["type"] == "image-not-found"
    assert error["message"].startswith(f"cannot pull {image}: ")
    assert printed.err == f"error: {error['message']}\n"
