"""A group with partitioning: a channel that it does not serve is refused before anything is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from stanlocal import stan
from stanlocal.api import FTGroup
from tests.support.cli import Cli


@pytest.fixture
async def partitioned(group_name: str, own_ports: int) -> AsyncIterator[FTGroup]:
    """A group of one node that serves `served.>` alone, up."""
    limits: dict[str, object] = {"channels": {"served.>": {}}}
    group = FTGroup(group=group_name, nodes=1, streaming={"partitioning": True, "store_limits": limits})
    await group.up()
    yield group
    await group.down(timeout=0, purge=True)
    await group.close()


async def test_clients_of_the_group_and_pub_say_which_channels_are_served(
    partitioned: FTGroup, cli: Cli
) -> None:
    """The refusal comes at once, not after the 30 seconds in which the server does not answer."""
    async with partitioned.connect("test", request_timeout=2, ack_timeout=1) as client:
        await client.publish("served.orders", b"1")
        with pytest.raises(stan.errors.NoConfiguredChannel, match=r"'orders' is not in .*\(served\.>\)"):
            await client.publish("orders", b"1")
    failed = cli.run("pub", "orders", "1")
    assert failed.returncode == 1
    assert "channel 'orders' is not in store_limits.channels (served.>)" in failed.stderr
    cli.ok("pub", "served.orders", "1")
