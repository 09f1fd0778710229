"""The scratch group of a drill, which is purged with its store at the end."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from stanlocal.api import FTGroup, group_over
from stanlocal.drill.scenario.scenario import Scenario
from stanlocal.lifecycle import orphans
from stanlocal.lifecycle.opener import GroupOpener, this_process
from stanlocal.lifecycle.planner import Report


@asynccontextmanager
async def scratch_group(
    scenario: Scenario, engine: str | None, config: Path | None, report: Report
) -> AsyncIterator[FTGroup]:
    """Bring up a group as the scenario asks, and purge it at the end, whatever happens.

    Groups of killed drills are removed first.
    """
    await orphans.remove(engine or "auto")
    flags = {
        "group": f"drill-{secrets.token_hex(3)}",
        "nodes": scenario.nodes,
        "store_size": scenario.store_size if await _limits_stores(engine, config) else None,
        "proxied": scenario.proxied or None,
        "secure": scenario.secure or None,
        "engine": engine,
    }
    # Notes are dropped: they only report its ports.
    opener = GroupOpener(flags, config, bound_to=this_process, report=report, note=lambda line: None)
    group = group_over(opener)
    try:
        report(f"starting {scenario.nodes} nodes of a scratch group")
        await group.up()
        yield group
    finally:
        report("removing the scratch group")
        try:
            await group.down(timeout=0, purge=True)
        finally:
            await group.close()


async def _limits_stores(engine: str | None, config: Path | None) -> bool:
    """Return whether a store needs a limit so that it can be filled."""
    opener = GroupOpener({"group": "drill", "engine": engine}, config, note=lambda line: None)
    try:
        return not (await opener.core()).engine.placement.fills_any_store
    finally:
        await opener.close()
