"""The group on top: its state in words, what that means, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from stanlocal.model.document import meaning
from stanlocal.tui.themes import STATE_STYLES


class GroupBar(Horizontal):
    """The group's state."""

    DEFAULT_CSS = """
    GroupBar { height: auto; min-height: 2; max-height: 4; padding: 0 1; background: $panel; }
    GroupBar #state { width: 1fr; height: auto; }
    GroupBar #hint { width: auto; padding-left: 2; color: $text-muted; }
    """

    def __init__(self, hint: str) -> None:
        super().__init__()
        self._hint = hint
        self._document: Mapping[str, Any] | None = None
        self._missing: Sequence[str] = ()
        self._trouble: str | None = None
        self._shown: Content | None = None

    def compose(self) -> ComposeResult:
        yield Static(group_text(None, (), None), id="state")
        yield Static(self._hint, id="hint", markup=False)

    def show(self, document: Mapping[str, Any], missing: Sequence[str]) -> None:
        """The newest group document, and the nodes of the group that the engine has no more."""
        self._document, self._missing, self._trouble = document, missing, None
        self._update()

    def show_trouble(self, trouble: str | None) -> None:
        """Why the group cannot be seen now; None when it can."""
        self._trouble = trouble
        self._update()

    def _update(self) -> None:
        text = group_text(self._document, self._missing, self._trouble)
        if text != self._shown:  # each update has the whole screen laid out anew
            self._shown = text
            self.query_one("#state", Static).update(text)


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
        (state, STATE_STYLES[state]),
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
