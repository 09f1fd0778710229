"""Coroutines that a test called and never awaited: they did nothing, and Python only warns of that."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from pathlib import Path
from types import CoroutineType, TracebackType
from typing import Any, TypeGuard

_HOOK = "_warn_unawaited_coroutine"
"""Function of module `warnings` that CPython calls when a coroutine ends that never began. The warning itself
cannot be used: filters of the project make it an error without a test, or nothing."""
_PACKAGE = f"{Path(__file__).parents[1]}/"
_PUBLIC = {
    **{name: name for name in ("FTGroup", "InjectedFault", "Client", "Subscription", "Message", "Recorder")},
    "FaultMethods": "FTGroup",  # which inherits them
}
"""The classes whose coroutines count, by the name of the class that defines them."""
_FIXES = {
    "FTGroup": "'await stan_group.{call}', or without 'async' 'stan_group.sync.{call}'",
    "Client": "'await' it, or without 'async' use the fixture 'stan_sync_client'",
}
_FIX = "'await' it, or without 'async' use what 'stan_group.sync' and 'stan_sync_client' return"


class Unawaited:
    """Collector of such calls from `start` to `stop`; other coroutines keep Python's own warning."""

    def __init__(self) -> None:
        self._found: list[str] = []
        self._original: Callable[[Any], None] | None = getattr(warnings, _HOOK, None)

    def start(self) -> None:
        """Begin to collect; does nothing on a Python that warns in another way."""
        if self._original is not None:
            setattr(warnings, _HOOK, self._ended)

    def stop(self) -> None:
        """Restore Python's own warning."""
        if self._original is not None:
            setattr(warnings, _HOOK, self._original)

    def _ended(self, coroutine: CoroutineType[Any, Any, Any]) -> None:
        if _is_ours(coroutine):
            self._found.append(_name(coroutine))
        elif self._original is not None:
            self._original(coroutine)

    def take(self) -> list[str]:
        """Return a line for each call found since the last `take`: what was called, and the fix."""
        found, self._found = self._found, []
        return [_line(name) for name in dict.fromkeys(found)]

    def close_held(self, trace: TracebackType | None) -> None:
        """Collect the calls that the frames of a failed test hold: they would end during a later test."""
        while trace is not None:
            for value in trace.tb_frame.f_locals.values():
                if _is_ours(value) and inspect.getcoroutinestate(value) == inspect.CORO_CREATED:
                    self._found.append(_name(value))
                    value.close()
            trace = trace.tb_next


def _is_ours(value: object) -> TypeGuard[CoroutineType[Any, Any, Any]]:
    """Whether the value is a coroutine of one of our public methods."""
    if not isinstance(value, CoroutineType):
        return False
    owner, _, method = value.__qualname__.partition(".")
    return owner in _PUBLIC and not method.startswith("_") and value.cr_code.co_filename.startswith(_PACKAGE)


def _name(coroutine: CoroutineType[Any, Any, Any]) -> str:
    """Return the call as users write it, such as `FTGroup.kill`."""
    owner, _, method = coroutine.__qualname__.partition(".")
    return f"{_PUBLIC[owner]}.{method}"


def _line(name: str) -> str:
    owner, _, method = name.partition(".")
    fix = _FIXES.get(owner, _FIX).format(call=f"{method}(…)")
    return f"{name}() was called and never awaited, so it did nothing: {fix}"
