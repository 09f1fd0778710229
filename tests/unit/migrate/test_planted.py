"""Every planted difference is found, and nothing where none is planted, on 200 random stores."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from stanlocal.migrate.comparison import (
    Delivered,
    Differences,
    MessageComparison,
    compare_consumer,
    compare_stream,
)
from stanlocal.migrate.inventory import take_inventory
from stanlocal.migrate.messages import messages_of
from stanlocal.migrate.pack import pack
from stanlocal.migrate.pack_folder import DATA
from stanlocal.migrate.plan import MigrationPlan, make_plan
from tests.support.effort import inputs
from tests.support.planted import DIFFERENCES, Archive, kinds, random_store

STORES = 200


def _compare(plan: MigrationPlan, archive: Archive, batch: int) -> Differences:
    """Compare a store with what a server would say that was given this archive."""
    differences = Differences()
    [stream] = plan.streams
    config = {"subjects": [stream.subject]}
    assert compare_stream(stream, {"config": config, "state": archive.state}, differences)
    comparison = MessageComparison(stream.subject, messages_of(plan.inventory.store, stream), differences)
    for at in range(0, len(archive.messages), batch):
        comparison.compare(
            [
                Delivered(each.sequence, each.time, each.data, each.name.encode(), b"")
                for each in archive.messages[at : at + batch]
            ]
        )
    comparison.finish()
    [consumer] = stream.consumers
    found: dict[str, Any] = archive.consumers[consumer.name]
    state = found["state"]
    info = {"config": found["config"], "num_ack_pending": len(state["pending"]), **state}
    compare_consumer(consumer, info, frozenset(map(int, state["pending"])), differences)
    return differences


@pytest.mark.parametrize("part", range(4))
def test_each_difference_is_found_and_none_where_there_is_none(part: int, tmp_path: Path) -> None:
    for seed in range(part, inputs(STORES), 4):
        rng = random.Random(seed)
        store = random_store(tmp_path / f"store-{seed}", rng)
        plan = make_plan(take_inventory(store))
        pack(plan, tmp_path / f"pack-{seed}")
        file = tmp_path / f"pack-{seed}" / "orders" / DATA
        assert _compare(plan, Archive.read(file), rng.randint(1, 50)).counts == {}, f"seed {seed}"
        for name, (plant, wanted) in DIFFERENCES.items():
            archive = Archive.read(file)
            plant(archive, rng)
            found = kinds(_compare(plan, archive, rng.randint(1, 50)).counts)
            assert found, f"seed {seed}: {name} was not found"
            assert found <= wanted, f"seed {seed}: {name} was found as {found}"
