"""Whether a group can have all the faults of a scenario, found out before any of them is injected."""

from __future__ import annotations

import secrets

from stanlocal import probe
from stanlocal.api import FTGroup
from stanlocal.drill.scenario import ANY_NODE, Inject, Scenario, all_steps
from stanlocal.errors import SettingsError, StanlocalError
from stanlocal.faults.base import Scene
from stanlocal.targets import resolve


async def rehearse(scenario: Scenario, group: FTGroup) -> None:
    """Has each fault look at the group, which is healthy; one message is published, as some need one.

    Raises `SettingsError` with every fault that cannot be, one line each.
    """
    async with group.connect(f"stanlocal-rehearsal-{secrets.token_hex(4)}") as client:
        await client.publish(probe.CHANNEL, b"rehearsal")
    core, look = await group.core(), await group.look()
    acts = dict.fromkeys(step.act for step in all_steps(scenario.steps) if isinstance(step.act, Inject))
    problems: dict[str, None] = {}
    for act in acts:
        named = act.targets or act.fault.default_targets
        try:
            nodes = resolve(look.status, ["0" if target == ANY_NODE else target for target in named])
            act.fault.check(Scene(core, look.plan, look.status, nodes, lambda notes: None))
        except StanlocalError as error:
            problems[f"{scenario.name}: {act}: {error}"] = None
    if problems:
        raise SettingsError(list(problems))
