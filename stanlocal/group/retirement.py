"""The end of a node: stopped, its log kept, removed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from stanlocal.errors import NodeNotFound
from stanlocal.group.core import Group
from stanlocal.model.plan import GroupPlan


async def retire(group: Group, node: str, grace_s: float) -> None:
    """End a node, save its log, and remove it; `grace_s` is as for `stop`.

    A node that an engine has half removed has no process and no log any more, but keeps its name until it is
    removed.
    """
    with suppress(NodeNotFound):
        await stop(group, node, grace_s)
        await group.save_log(node)
    await group.engine.remove(node)


async def stop(group: Group, node: str, grace_s: float) -> None:
    """End a node's process: SIGTERM with `grace_s` seconds to end by itself; SIGKILL at once if that is 0."""
    if grace_s > 0:
        await group.engine.stop(node, grace_s)
    else:
        await group.engine.signal(node, "SIGKILL")


def pod_grace(plan: GroupPlan, asked_s: float | None, say: Callable[[str], None]) -> float:
    """Return the seconds that a pod which is held back has to end: what is asked for, at most its own grace.

    Its controller deletes it with its own grace, which a later deletion can only shorten; `say` gets a line
    where more is asked for.
    """
    own = plan.stop_grace_s
    if asked_s is None or asked_s <= own:
        return own if asked_s is None else asked_s
    say(f"the pods of '{plan.group}' get {own} s to end, not {asked_s:g}: a pod has at most its own grace")
    return own
