"""The lines that `migrate relay` prints while it runs."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from stanlocal.cli import migrate_relay
from stanlocal.cli.context import Context
from stanlocal.migrate.relay.channel_relay import Progress
from stanlocal.migrate.relay.relay import Relay
from stanlocal.util.tasks import beside


class _Begun:
    """A relay that has begun."""

    progress = (Progress("orders", "orders", last=3, known=5, relayed=3), Progress("a", "a", relayed=1))

    async def begun(self) -> None:
        """Return at once."""


async def test_a_relay_says_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    said = ""
    async with beside(migrate_relay._report(Context(verbose=True), cast(Relay, _Begun()), once=True)):
        async with asyncio.timeout(30):
            while "behind" not in said:
                await asyncio.sleep(0)
                said += capsys.readouterr().err
    assert said == "relaying 2 channels\n4 messages relayed, 2 behind\n"
