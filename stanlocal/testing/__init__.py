"""Helpers for tests of failover, and the pytest plugin.

Light to import: the plugin is loaded in every pytest run, so each name here is loaded when it is first used.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers know it, without loading `typing`
if TYPE_CHECKING:
    from stanlocal.testing.recorder import Recorder, assert_no_loss

__all__ = ["Recorder", "assert_no_loss"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from stanlocal.testing import recorder

    return getattr(recorder, name)
