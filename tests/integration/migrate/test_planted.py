"""Each kind of difference, planted into a pack before a real server gets it, is found by the proof."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from stanlocal.migrate.inventory import take_inventory
from stanlocal.migrate.jetstream.connection import connected
from stanlocal.migrate.load import load
from stanlocal.migrate.pack import pack
from stanlocal.migrate.pack_folder import DATA, MANIFEST, read_pack
from stanlocal.migrate.plan import make_plan
from stanlocal.migrate.verify import verify
from tests.support.jetstream import JetStreamServer
from tests.support.planted import DIFFERENCES, Archive, copied, kinds, random_store

pytestmark = pytest.mark.server


async def test_each_planted_difference_is_found_on_a_server(
    jetstream: JetStreamServer, tmp_path: Path
) -> None:
    async with connected(jetstream.url) as server:
        for seed, (name, (plant, wanted)) in enumerate(DIFFERENCES.items()):
            rng = random.Random(seed)
            plan = make_plan(take_inventory(random_store(tmp_path / f"store-{seed}", rng)))
            pack(plan, tmp_path / f"pack-{seed}")
            await load(read_pack(tmp_path / f"pack-{seed}"), server)
            assert (await verify(plan, server)).ok, f"seed {seed}"
            await server.delete_stream("orders")
            changed = copied(tmp_path / f"pack-{seed}", tmp_path / f"changed-{seed}")
            archive = Archive.read(changed / "orders" / DATA)
            plant(archive, rng)
            archive.write(changed / "orders")
            _positions_as(changed, archive)
            await load(read_pack(changed), server)
            [verdict] = (await verify(plan, server)).streams
            found = kinds(verdict.differences.counts)
            assert found, f"seed {seed}: {name} was not found"
            assert found <= wanted, f"seed {seed}: {name} was found as {found}"
            await server.delete_stream("orders")


def _positions_as(changed: Path, archive: Archive) -> None:
    """The manifest says the positions that the load waits for."""
    [(name, consumer)] = archive.consumers.items()
    positions = {key: consumer["state"][key]["stream_seq"] for key in ("delivered", "ack_floor")}
    text = (changed / MANIFEST).read_text()
    manifest = json.loads(text)
    manifest["streams"][0]["consumers"] = {name: positions}
    (changed / MANIFEST).write_text(json.dumps(manifest))
