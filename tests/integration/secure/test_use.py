"""A secured group in everyday use: by the pytest plugin, and in a drill that kills the active often."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stanlocal.api import FTGroup
from tests.support.cli import Cli

KILLS = 20


@pytest.mark.stan(secure=True, nodes=1)
@pytest.mark.usefixtures("on_engine")
async def test_the_plugin_gives_a_test_a_secured_group(stan_group: FTGroup, stan_channel: str) -> None:
    assert (await stan_group.look()).plan.secure
    async with stan_group.connect() as client:
        await client.publish(stan_channel, b"1")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_twenty_kills_of_the_active_lose_nothing(name: str, tmp_path: Path) -> None:
    cli = Cli(tmp_path, group=name)
    cli.ok("up", "--secure")
    budget = ("--kill-active", str(KILLS), "--max-lost", "0", "--max-outage", "10")
    done = cli.run("--json", "drill", "kill-loop", "--here", *budget)
    verdict = json.loads(done.stdout)
    assert (done.returncode, verdict["lost"], len(verdict["failovers"])) == (0, 0, KILLS), done.stderr
