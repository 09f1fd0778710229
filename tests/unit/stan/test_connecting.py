"""`connect`: the client id that it makes up, and the end of an ``async with`` block."""

from __future__ import annotations

import pytest

from stanlocal import stan
from stanlocal.stan.names import check_client_id
from tests.unit.stan.hostile_server import CLUSTER, hostile_server


async def test_clients_without_an_id_have_a_random_one_each() -> None:
    async with hostile_server() as (_, url):
        ids = []
        for _ in range(2):
            async with stan.connect(url, cluster_id=CLUSTER) as client:
                ids.append(client.client_id)
    assert len(set(ids)) == 2
    for client_id in ids:
        check_client_id(client_id)


async def _use(url: str, awaited: bool, failure: Exception | None) -> None:
    """Run a block in one of the two forms that ``async with`` takes; it ends well, or raises `failure`."""
    connecting = stan.connect(url, cluster_id=CLUSTER, request_timeout=0.1)
    async with await connecting if awaited else connecting:
        if failure is not None:
            raise failure


@pytest.mark.parametrize("awaited", [False, True], ids=["connecting", "client"])
async def test_a_blocks_own_error_is_raised_also_when_the_client_cannot_be_closed(awaited: bool) -> None:
    async with hostile_server() as (server, url):
        del server.answers["close"]
        with pytest.raises(RuntimeError, match="of the block") as raised:
            await _use(url, awaited, RuntimeError("of the block"))
    (note,) = raised.value.__notes__
    assert note.startswith("the client could not be closed either: close ")


@pytest.mark.parametrize("awaited", [False, True], ids=["connecting", "client"])
async def test_a_block_that_ends_well_raises_what_kept_the_client_from_closing(awaited: bool) -> None:
    async with hostile_server() as (server, url):
        del server.answers["close"]
        with pytest.raises(stan.errors.CloseTimeout):
            await _use(url, awaited, None)
