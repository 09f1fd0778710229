"""An engine that answers and cannot start a container: what failed is said as it failed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.fake_docker_api import engine_that_starts_nothing

REFUSED = "crun: setrlimit `RLIMIT_NOFILE`: Operation not permitted: OCI permission denied"
CASES = [
    pytest.param(REFUSED, b"", REFUSED, id="refused"),
    pytest.param(
        None,
        b"first\nexec: operation not permitted\n",
        "its server ended with exit code 1 (exec: operation not permitted)",
        id="ends-at-once",
    ),
]


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    env = {
        "DOCKER_HOST": f"unix://{tmp_path}/docker.sock",
        "STANLOCAL_ENGINE": "docker",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    return Cli(tmp_path, env, "broken")


@pytest.mark.parametrize(("refusal", "output", "said"), CASES)
def test_up_says_why_no_container_starts(
    cli: Cli, tmp_path: Path, refusal: str | None, output: bytes, said: str
) -> None:
    with engine_that_starts_nothing(tmp_path / "docker.sock", refusal, output) as containers:
        done = cli.run("up")
        assert containers == set()
    assert done.returncode == 3
    (error,) = done.stderr.splitlines()
    assert error.startswith("error: the engine cannot start a container of nats-streaming:")
    assert said in error
    assert "cannot be reached" not in error


@pytest.mark.parametrize(("refusal", "output", "said"), CASES)
def test_doctor_starts_a_container(
    cli: Cli, tmp_path: Path, refusal: str | None, output: bytes, said: str
) -> None:
    with engine_that_starts_nothing(tmp_path / "docker.sock", refusal, output) as containers:
        done = cli.run("doctor", "--json")
        assert containers == set()
    assert done.returncode == 5, done.stderr
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert not checks["container"]["ok"]
    assert said in checks["container"]["detail"]
    assert checks["container"]["commands"][0].startswith("docker run --rm ")
