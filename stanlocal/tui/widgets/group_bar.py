"""The bar on top: the group's state, its meaning, and the next step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from stanlocal.model.group_document import meaning
from stanlocal.tui.themes import STATE_STYLES
from stanlocal.tui.widgets.height import is_as_tall


class GroupBar(Horizontal):
    """The group's state in words, and the next step."""

    DEFAULT_CSS = """
    GroupBar { height: auto; min-height: 2; max-height: 4; padding: 0 1; background: $panel; }
    GroupBar #state { width: 1fr; height: auto; }
    GroupBar #hint { width: auto; padding-left: 2; color: $text-muted; }
    """

    def __init__(self, hint: str, keys: Mapping[str, str]) -> None:
        """`keys`: the keys of actions by their names."""
        super().__init__()
        self._hint = hint
        self._keys = keys
        self._document: Mapping[str, Any] | None = None
        self._missing: Sequence[str] = ()
        self._trouble: str | None = None
        self._shown: Content | None = None

    def compose(self) -> ComposeResult:
        yield Static(group_text(None, (), None), id="state")
        yield Static(self._hint, id="hint", markup=False)

    def show_hint(self, hint: str) -> None:
        """Show a text at the right."""
        self.query_one("#hint", Static).update(hint)

    def show(self, document: Mapping[str, Any], missing: Sequence[str]) -> None:
        """Show the newest group document, and the planned nodes that the engine no longer has."""
        self._document, self._missing, self._trouble = document, missing, None
        self._update()

    def show_trouble(self, trouble: str | None) -> None:
        """Show why the group cannot be seen now; None when it can."""
        self._trouble = trouble
        self._update()

    def _update(self) -> None:
        text = group_text(self._document, self._missing, self._trouble, self._keys)
        if text != self._shown:
            self._shown = text
            state = self.query_one("#state", Static)
            state.update(text, layout=not is_as_tall(state, text))


_NEXT = {
    "healthy": "kill, pause or cut off a node and watch what happens",
    "failover": "wait: within 1.4 s a standby has the lock, then it reads the store",
    "recovering": "wait: reading a large store takes longer",
    "starting": "wait",
}
_STEPS = {
    "created": "{start}",
    "stopped": "{start}",
    "failed": "see its log, {start}",
    "starting": "wait for it",
    "recovering": "wait for it",
    "gone": "{up}",
    "paused": "{heal}",
    "cut off": "{heal}",
    "down": "{up}",
}
"""Next steps for nodes, and for a group that is down."""
_WITH_KEY = {"start": "{} starts it", "heal": "{} heals it", "up": "{} brings the group up"}
_WITHOUT_KEY = {"start": "start it", "heal": "heal it", "up": "bring the group up"}


def group_text(
    document: Mapping[str, Any] | None,
    missing: Sequence[str],
    trouble: str | None,
    keys: Mapping[str, str] = MappingProxyType({}),
) -> Content:
    """Return the group's name and state with its meaning, and below it the next step.

    `trouble` is the reason why the group cannot be seen now; the text then shows its last known state.
    `keys` are the keys of actions by their names, for the next step.
    """
    if document is None:
        return Content(trouble or "loading the group ...")
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
    return Content("\n").join([first, _next(document, missing, keys)])


def _next(document: Mapping[str, Any], missing: Sequence[str], keys: Mapping[str, str]) -> Content:
    state = document["state"]
    if document["problem"]:
        return Content.styled(document["problem"], "$text-error")
    if state == "healthy" and "kill" not in keys:
        return Content("nothing is wrong")
    if state == "degraded":
        steps = (f"{name} is {what}: {_step(what, keys)}" for name, what in _unusable(document, missing))
        return Content(f"next: {'; '.join(steps)}")
    return Content(f"next: {_step(state, keys) if state == 'down' else _NEXT.get(state, '')}")


def _step(what: str, keys: Mapping[str, str]) -> str:
    """Return what to do, with the key that does it where there is one."""
    acts = {
        action: _WITH_KEY[action].format(keys[action]) if action in keys else plain
        for action, plain in _WITHOUT_KEY.items()
    }
    return _STEPS[what].format_map(acts)


def _unusable(document: Mapping[str, Any], missing: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The nodes that are not ready to take over, each with the reason."""
    for node in document["nodes"]:
        what = "paused" if node["paused"] else "cut off" if node["partitioned"] else node["state"]
        if what in _STEPS:
            yield node["name"], what
    yield from ((name, "gone") for name in missing)
