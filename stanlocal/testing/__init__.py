"""Helpers for tests: the pytest plugin, `run` for any program's tests, an engine in memory.

Light to import: the plugin is loaded in every pytest run, so each name here is loaded when it is first used.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers know it, without loading `typing`
if TYPE_CHECKING:
    from stanlocal.stan.recorder import Recorder, assert_no_loss
    from stanlocal.testing.fake import FakeEngine, FakeMachine, Pace, Trouble

_HOMES = {
    "Recorder": "stanlocal.stan.recorder",
    "assert_no_loss": "stanlocal.stan.recorder",
    "FakeEngine": "stanlocal.testing.fake",
    "FakeMachine": "stanlocal.testing.fake",
    "Pace": "stanlocal.testing.fake",
    "Trouble": "stanlocal.testing.fake",
}

__all__ = ["Recorder", "assert_no_loss", "FakeEngine", "FakeMachine", "Pace", "Trouble"]  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
