"""The command palette: every action by its name, its key, and the words that other tools have for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from stanlocal.model.command_line import Command
from stanlocal.model.synonyms import SYNONYMS
from stanlocal.tui.widgets.pane import copy_command

_ACTIONS: Mapping[str, str] = {
    "channels": "pane.6",
    "clients": "pane.6",
    "events": "pane.5",
    "failovers": "pane.4",
    "faults": "pane.7",
    "logs": "pane.1",
    "pub": "pane.2",
    "store": "pane.6",
    "sub": "pane.3",
    "subscriptions": "pane.6",
    "unpause": "pause",
}
"""Names of actions here that do what a command of another name does."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the palette."""

    title: str
    about: str
    act: Callable[[], object]
    words: frozenset[str] = frozenset()
    """Further words that find it."""


class Palette(Provider):
    """Actions that have a key now, commands that have none here, and textual's own commands."""

    async def discover(self) -> Hits:
        for entry in sorted(self._entries(), key=lambda entry: entry.title):
            if not entry.title.startswith("stanlocal "):
                yield DiscoveryHit(entry.title, entry.act, help=entry.about)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        wanted = query.strip().lower()
        for entry in self._entries():
            score = matcher.match(entry.title) + _score(entry.words, wanted)
            if score > 0:
                yield Hit(score, matcher.highlight(entry.title), entry.act, help=entry.about)

    def _entries(self) -> Iterator[Entry]:
        words = words_of_actions()
        there: set[str] = set()
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if active.enabled and binding.id and binding.id not in there:
                there.add(binding.id)
                about = f"{binding.tooltip or binding.description}  (key {self.app.get_key_display(binding)})"
                act = partial(self.app.run_action, binding.action, active.node)
                yield Entry(binding.description, about, act, frozenset(words[binding.id]))
        name = getattr(self.screen, "group_name", "")
        for line, found_by in _without_key(there).items():
            command = Command(name, line.split())
            act_copy = partial(copy_command, self.screen, command)
            yield Entry(str(command), "not a key here: copies the command for a shell", act_copy, found_by)
        for title, about, of_textual, _ in self.app.get_system_commands(self.screen):
            if title not in ("Quit", "Keys"):  # `q` and `?` say more
                yield Entry(title, about, of_textual)


_WHOLE_WORD, _BEGINNING = 100.0, 10.0
"""Scores above those of names, of which the typed letters may be any."""


def _score(words: frozenset[str], wanted: str) -> float:
    if wanted in words:
        return _WHOLE_WORD
    return _BEGINNING if len(wanted) > 1 and any(word.startswith(wanted) for word in words) else 0.0


def action_for(command: str) -> str:
    """Return the name of the action that does what the command does, where there is one."""
    return _ACTIONS.get(command, command)


def words_of_actions() -> Mapping[str, set[str]]:
    """Return the words that lead to each action, by the action's name."""
    words: dict[str, set[str]] = defaultdict(set)
    for command, action in _ACTIONS.items():
        words[action].add(command)
    for word, line in SYNONYMS.items():
        words[action_for(line.split()[0])].add(word)
    return words


def _without_key(actions: set[str]) -> Mapping[str, frozenset[str]]:
    """Return the commands with an option, or without an action here, and the words that lead to each."""
    lines: dict[str, set[str]] = defaultdict(set)
    for word, line in SYNONYMS.items():
        name, *options = line.split()
        if action_for(name) not in actions or "--purge" in options:
            lines[line].add(word)
    return {line: frozenset(words) for line, words in lines.items()}
