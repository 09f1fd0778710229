"""Key bindings by the names under which users can change them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from textual.binding import Binding
from textual.dom import DOMNode
from textual.theme import BUILTIN_THEMES

from stanlocal.errors import SettingsError
from stanlocal.tui.preferences import Preferences
from stanlocal.tui.replay import screen  # noqa: F401 - loads its keys
from stanlocal.tui.screens import panes  # noqa: F401 - loads everything else that has keys
from stanlocal.tui.screens.main import MainScreen
from stanlocal.tui.themes import THEMES
from stanlocal.tui.tour import screen as tour_screen  # noqa: F401 - loads its keys
from stanlocal.util.nearest import nearest


def named_bindings() -> dict[str, Binding]:
    """Return the named bindings of all parts of the interface."""
    return {binding.id: binding for each in _ours(DOMNode) for binding in _declared(each) if binding.id}


def _ours(base: type[DOMNode]) -> Iterator[type[DOMNode]]:
    for each in base.__subclasses__():
        if each.__module__.startswith("stanlocal."):
            yield each
        yield from _ours(each)


def _declared(each: type[DOMNode]) -> Iterator[Binding]:
    declared: Collection[object] = vars(each).get("BINDINGS", ())
    return (binding for binding in declared if isinstance(binding, Binding))


def check(path: Path, chosen: Preferences) -> None:
    """Raise `SettingsError` with every invalid choice in `path`."""
    named = sorted(named_bindings())
    themes = sorted({*BUILTIN_THEMES, *(theme.name for theme in THEMES)})
    problems = [
        f"{path}: keys.{name}: no key has that name; {nearest(name, named)}"
        for name in chosen.keys
        if name not in named
    ]
    if chosen.theme is not None and chosen.theme not in themes:
        problems.append(f"{path}: there is no theme '{chosen.theme}'; {nearest(chosen.theme, themes)}")
    problems += [f"{path}: {clash}" for clash in _clashes(chosen.keys)]
    if problems:
        raise SettingsError(problems)


def _clashes(chosen: Mapping[str, str]) -> Iterator[str]:
    """Problems of keys on the main screen that would have two meanings."""
    taken: dict[str, str] = {}
    for binding in _declared(MainScreen):
        for key in chosen.get(binding.id or "", binding.key).split(","):
            other = taken.setdefault(key.strip(), binding.id or "")
            if other != binding.id:
                yield f"'{key}' would be the key of '{other}' and of '{binding.id}'; bind one to another"
