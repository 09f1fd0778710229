"""`connect`: the client id that it makes up."""

from __future__ import annotations

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
