"""The check that all faults of a scenario are possible in a group, before any is injected."""

from __future__ import annotations

import secrets

from stanlocal.api import FTGroup, core_of
from stanlocal.drill.scenario.scenario import ANY_NODE, Inject, Scenario, all_steps
from stanlocal.errors import SettingsError, StanlocalError
from stanlocal.faults.injection import foresee
from stanlocal.outages import probe


async def rehearse(scenario: Scenario, group: FTGroup) -> None:
    """Check each fault against the healthy group; one message is published, as some need one.

    Raises `SettingsError` with every impossible fault, one line each.
    """
    async with group.connect(f"stanlocal-rehearsal-{secrets.token_hex(4)}") as client:
        await client.publish(probe.CHANNEL, b"rehearsal")
    core = await core_of(group)
    acts = dict.fromkeys(step.act for step in all_steps(scenario.steps) if isinstance(step.act, Inject))
    problems: dict[str, None] = {}
    for act in acts:
        targets = ["0" if target == ANY_NODE else target for target in act.targets]
        try:
            await foresee(core, act.fault, targets)
        except StanlocalError as error:
            problems[f"{scenario.name}: {act}: {error}"] = None
    if problems:
        raise SettingsError(list(problems))
