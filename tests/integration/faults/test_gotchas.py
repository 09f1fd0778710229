"""Each gotcha on real servers: the server's own line appears, and nothing is left behind."""

from __future__ import annotations

import re

import docker
import pytest

from stanlocal.gotchas.base import run
from stanlocal.gotchas.registry import GOTCHAS
from stanlocal.machine.user_dirs import group_folder
from tests.support.cli import Cli

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("gotchas")]

_GROUP = re.compile(r"in the scratch group '(gotcha-.*)'")
QUICK = {"who-is-active"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in GOTCHAS]
)
async def test_the_servers_own_line_appears_and_is_explained(
    name: str, docker_client: docker.DockerClient
) -> None:
    said: list[str] = []
    gotcha = GOTCHAS[name]
    seen = await run(gotcha, engine="docker", say=said.append)
    assert seen.lines
    assert all(re.search(gotcha.line, line) for line in seen.lines)
    (group,) = _GROUP.findall("\n".join(said))
    label: dict[str, str | list[str] | bool] = {"label": f"dev.stanlocal.group={group}"}
    assert docker_client.containers.list(all=True, filters=label) == []
    assert docker_client.networks.list(filters=label) == []
    assert not group_folder(group).exists()


def test_an_unknown_gotcha_is_refused_with_the_nearest_name(cli: Cli) -> None:
    ended = cli.run("gotcha", "two-active")
    assert ended.returncode == 2
    assert "did you mean 'two-actives'?" in ended.stderr
