"""The pace of the interface in tests: styles parsed once, waits that end when all is done, drawing put off.

Textual parses its style sheets for each application, pauses for 20 ms or longer after each key until the
process looks idle, and draws up to sixty times a second. No test is about that. Whatever comes on the screen
is still laid out and drawn: when a test has waited for it, or looks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic, process_time
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from rich.console import RenderableType
from textual._compositor import Compositor, ReflowResult
from textual._context import active_app, visible_screen_stack
from textual.app import App
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.css.types import CSSLocation
from textual.message_pump import MessagePump
from textual.pilot import Pilot, WaitForScreenTimeout
from textual.strip import Strip

_STEP_S = 0.004
"""Time that a wait gives to threads before it looks again."""
_IDLE = 0.1
"""Part of a step that a process may work in which no thread has anything to do."""
_STEPS = 25
"""Most steps of a wait: a process that looks at its group again all the time is never idle."""
_WORK_S = 0.5
"""Work, in seconds of the processor, after which a wait ends though tasks can go on: a flood never ends."""

_Rules = dict[tuple[object, ...], list[RuleSet]]
_parsed: dict[frozenset[tuple[str, str]], _Rules] = {}
"""Rules of each source that has been parsed, by the variables in force then."""
_render_update = Compositor.render_update


@contextmanager
def brisk(changed: Callable[[], None], *, eager: bool) -> Iterator[None]:
    """Let applications be brisk; `changed` is called when a screen has changed.

    With `eager` they draw as often as ever: what was drawn before a picture decides how its cursor looks.
    """
    with pytest.MonkeyPatch.context() as patch:
        _parse_once(patch)
        _wait_for_events(patch)
        _draw_later(patch, changed, eager)
        yield


def _parse_once(patch: pytest.MonkeyPatch) -> None:
    """Keep the rules of each source for all applications: none is changed once it is parsed.

    Their hash is the address, as Textual's own is, without a call of Python for each of a million look-ups.
    """
    patch.setattr(RuleSet, "__hash__", object.__hash__)
    parse = Stylesheet._parse_rules
    kept: WeakKeyDictionary[Stylesheet, tuple[dict[str, str], _Rules]] = WeakKeyDictionary()

    def rules_of(sheet: Stylesheet) -> _Rules:
        variables, rules = kept.get(sheet, (None, {}))
        if variables is not sheet._variables:
            rules = _parsed.setdefault(frozenset(sheet._variables.items()), {})
            kept[sheet] = sheet._variables, rules
        return rules

    def parse_rules(
        self: Stylesheet, css: str, read_from: CSSLocation, *given: Any, **named: Any
    ) -> list[RuleSet]:
        rules, source = rules_of(self), (css, read_from, given, *named.items())
        if source not in rules:
            rules[source] = parse(self, css, read_from, *given, **named)
        return rules[source]

    patch.setattr(Stylesheet, "_parse_rules", parse_rules)


def _wait_for_events(patch: pytest.MonkeyPatch) -> None:
    """Let the pilot wait until nothing is left to do, instead of for a time."""

    async def wait_for_idle(min_sleep: float = 0, max_sleep: float = 0) -> None:
        await settled(active_app.get())

    for module in ("app", "pilot"):
        patch.setattr(f"textual.{module}.wait_for_idle", wait_for_idle)
    patch.setattr(Pilot, "_wait_for_screen", _wait_for_screen)


async def settled(app: App[Any]) -> None:
    """Return once no task or thread has anything to do, and the screen is laid out and drawn."""
    for _ in range(_STEPS):
        await _nothing_ready()
        if _laid_out(app):
            continue
        worked = process_time()
        await asyncio.sleep(_STEP_S)
        if process_time() - worked < _IDLE * _STEP_S:
            break
    draw(app)


async def _nothing_ready() -> None:
    """Return once every task waits for a timer, a file or a thread, however long a busy machine takes."""
    ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
    quiet, ends = 0, process_time() + _WORK_S
    while quiet < 2 and process_time() < ends:
        await asyncio.sleep(0)
        quiet = 0 if ready else quiet + 1


def _laid_out(app: App[Any]) -> bool:
    """Do now what Textual puts off for milliseconds, a new size and the layout; return whether it had."""
    if app._exit or not app._screen_stack:
        return False
    if app._resize_timer is not None:
        app._check_resize()
        return True
    if app.screen._update_timer._active.is_set():
        app.screen._on_timer_update()
        return True
    return False


async def _wait_for_screen(pilot: Pilot[Any], timeout: float = 30.0) -> bool:
    """Stand in for the pilot's own, which sends each widget a message and waits until all are answered."""
    app, ends = pilot.app, monotonic() + timeout
    while True:
        await _nothing_ready()
        if app._exception is not None or not app._screen_stack:
            return False
        if not any(_is_busy(each) for each in (app, *app.screen.walk_children(with_self=True))):
            return True
        if monotonic() >= ends:
            raise WaitForScreenTimeout("messages are still being processed")
        await asyncio.sleep(_STEP_S)


def _is_busy(pump: MessagePump) -> bool:
    """Return whether it processes a message, instead of waiting for the next."""
    return not (pump._closing or pump._closed or pump._message_queue.ready_event._waiters)


def _draw_later(patch: pytest.MonkeyPatch, changed: Callable[[], None], eager: bool) -> None:
    """Draw what has changed when someone looks, and not each time that it changes.

    Drawing also makes a screen look up where its widgets are. Without that it would do so some time after a
    widget is to be shown, and take it for one that is shown already.
    """
    lay_out = Compositor.reflow

    def reflow(self: Compositor, *given: Any) -> ReflowResult:
        result = lay_out(self, *given)
        self._full_map_invalidated = False  # this has just made the full map
        return result

    def render_update(
        self: Compositor, full: bool = False, *given: Any, **named: Any
    ) -> RenderableType | None:
        changed()
        return _render_update(self, full, *given, **named) if full or eager else None

    patch.setattr(Compositor, "render_update", render_update)
    if not eager:
        patch.setattr(Compositor, "reflow", reflow)


def draw(app: App[Any]) -> None:
    """Draw what has changed on the screen since it was drawn."""
    if app._running and app._screen_stack and app.screen.is_attached:
        _render_update(app.screen._compositor, screen_stack=app._background_screens)


def drawn(app: App[Any]) -> Sequence[Strip]:
    """Draw the whole screen, and return its lines."""
    visible_screen_stack.set(app._background_screens)
    return app.screen._compositor.render_strips()
