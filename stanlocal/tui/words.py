"""What states mean and what to do next, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from textual.content import Content

from stanlocal.model.document import meaning

STYLES = {
    "active": "bold $text-success",
    "standby": "$text-primary",
    "recovering": "bold $text-warning",
    "starting": "bold $text-warning",
    "created": "$foreground 65%",
    "stopped": "$foreground 65%",
    "failed": "bold $text-error",
    "gone": "bold $text-error",
    "healthy": "bold $text-success",
    "degraded": "bold $text-warning",
    "failover": "bold $text-warning",
    "blocked": "bold $text-error",
    "split-brain": "bold reverse $text-error",
    "down": "bold $foreground 65%",
}
"""Of states, beside their words: nothing is told by colour alone."""

_NEXT = {
    "healthy": "kill, pause or cut off a node and see what becomes of it",
    "failover": "wait: within 1.4 s a standby has the lock, then it reads the store",
    "recovering": "wait: the larger the store, the longer it is read",
    "starting": "wait",
    "down": "bring the group up",
}
_CURES = {
    "created": "start it",
    "stopped": "start it",
    "failed": "see its log, start it",
    "starting": "wait for it",
    "recovering": "wait for it",
    "gone": "bring the group up again",
}


def group_text(document: Mapping[str, Any] | None, missing: Sequence[str], trouble: str | None) -> Content:
    """The group's name and state and what that means; below it, what to do next.

    `trouble` is why the group cannot be seen now; what is told of it is then what was known last.
    """
    if document is None:
        return Content(trouble or "looking at the group ...")
    state = document["state"]
    first = Content.assemble(
        (document["group"], "bold"),
        ": ",
        (state, STYLES[state]),
        f", {meaning(document)}",
    )
    if trouble is not None:
        lost = Content.assemble(("not seen now", "bold $text-error"), f": {trouble}")
        return Content("\n").join([lost, Content("last seen: ") + first])
    return Content("\n").join([first, _next(document, missing)])


def _next(document: Mapping[str, Any], missing: Sequence[str]) -> Content:
    if document["problem"]:
        return Content.styled(document["problem"], "$text-error")
    if document["state"] == "degraded":
        return Content(f"next: {'; '.join(_unusable(document, missing))}")
    return Content(f"next: {_NEXT.get(document['state'], '')}")


def _unusable(document: Mapping[str, Any], missing: Sequence[str]) -> list[str]:
    """Each node that would not take over, and the way back."""
    found = []
    for node in document["nodes"]:
        if node["paused"]:
            found.append(f"{node['name']} is paused: unpause it")
        elif node["partitioned"]:
            found.append(f"{node['name']} is cut off: heal it")
        elif node["state"] in _CURES:
            found.append(f"{node['name']} is {node['state']}: {_CURES[node['state']]}")
    return [*found, *(f"{name} is gone: {_CURES['gone']}" for name in missing)]
