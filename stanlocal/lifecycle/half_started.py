"""Nodes that an engine was starting when it was killed: they are removed, so that `up` makes them again.

Such an engine does not know afterwards that their process runs, and cannot start them.
"""

from __future__ import annotations

from collections.abc import Sequence

from stanlocal.group.core import Group
from stanlocal.group.retirement import retire
from stanlocal.machine.container_processes import processes_in
from stanlocal.model.instance import Instance


async def without_half_started(group: Group, instances: Sequence[Instance]) -> list[Instance]:
    """Remove nodes that never ran by their engine, or run without its knowledge; return the others."""
    half = [
        each for each in instances if each.status == "created" or (not each.running and processes_in(each.id))
    ]
    for each in half:
        await retire(group, each.name, 0)
    return [each for each in instances if each not in half]
