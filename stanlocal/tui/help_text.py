"""The contents of the help: the keys as they are bound now, by task, and the meaning of the states. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from stanlocal.model.group_document import MEANINGS

TASKS: Mapping[str, Sequence[str]] = {
    "break a node": ("kill", "stop", "restart", "pause", "partition", "isolate", "signal", "fault"),
    "mend it": ("start", "heal", "up"),
    "choose the node": ("active", "next", "previous", "node.next", "node.previous"),
    "test under load": ("drill",),
    "the clock of the replay": (
        "replay.go",
        "replay.step",
        "replay.faster",
        "replay.slower",
        "replay.again",
    ),
    "the tour": ("tour.next", "tour.back", "tour.hide"),
    "end the group": ("down",),
    "the screen": ("copy", "help", "quit"),
}
"""Names of actions by what a user wants to do."""
TABS, HERE = "open a tab", "in this tab"
"""Titles of the sections about the tabs, and about the keys of the focused tab."""
_OTHER_KEYS = {
    "ctrl+p": "Palette: every action by its name or by another tool's word for it; themes, a screenshot",
    "tab": "Next part: of the screen, whose keys are then in the footer",
    "mouse": "Mouse: click a node to select it, a tab to open it, a key in the footer to press it",
}
_NUMBERS = {
    "READY": "from the fault until the next node is ready, by the servers' own lines",
    "OUTAGE": "from the fault until the first ack of a client that publishes (the probe, a publication)",
    "PUB, SUB": "longest time without an ack or a message that a client in these tabs felt",
    "drill": "time without an ack of the drill's own publishers; its budget is compared with the longest",
}
"""Definitions of the numbers that one outage has."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is bound now."""

    name: str
    """Name of its action; empty if it has none."""
    key: str
    """The key as it is shown."""
    about: str
    """The action, and what it does."""
    words: frozenset[str] = frozenset()
    """Words of other tools for it."""
    here: bool = False
    """Whether the focused tab, not the screen, has it."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the help: a key, a state or a number, and its text."""

    section: str
    head: str
    text: str
    words: frozenset[str] = frozenset()
    """Further words that find it."""

    def matches(self, wanted: str) -> bool:
        """Whether every word of the searched text is in the line, its section or its further words."""
        own = f"{self.section} {self.head} {self.text}".lower()
        return all(
            word in own or any(other.startswith(word) for other in self.words)
            for word in wanted.lower().split()
        )


def lines(keys: Sequence[Key]) -> Iterator[Line]:
    """Yield all lines, section by section: tasks, the focused tab, the tabs, the rest."""
    named = {key.name: key for key in keys if key.name}
    listed = {name for names in TASKS.values() for name in names}
    for section, names in TASKS.items():
        if section == "the screen":
            yield from _of_tabs(keys, listed)
        for name in names:
            if name in named:
                yield _line(section, named[name])
    yield from (Line("the screen", key, text) for key, text in _OTHER_KEYS.items())
    for state, meaning in MEANINGS.items():
        yield Line("states of the group", state, meaning.format(active="one node"))
    yield from (Line("numbers of an outage, in ms", name, text) for name, text in _NUMBERS.items())


def _of_tabs(keys: Sequence[Key], listed: set[str]) -> Iterator[Line]:
    yield from (_line(HERE, key) for key in keys if key.here and key.name not in listed)
    yield from (_line(TABS, key) for key in keys if key.name.startswith("pane."))


def _line(section: str, key: Key) -> Line:
    return Line(section, key.key, key.about, key.words)


def found(all_lines: Sequence[Line], wanted: str) -> Mapping[str, Sequence[Line]]:
    """Return the lines that match the searched text, by section, in order."""
    sections: dict[str, list[Line]] = {}
    for line in all_lines:
        if line.matches(wanted):
            sections.setdefault(line.section, []).append(line)
    return sections
