"""Calls that were never awaited are found, whichever class defines the method."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

import stanlocal
from stanlocal import stan
from stanlocal.testing.unawaited import Unawaited

_CLASSES = (stanlocal.FTGroup, stanlocal.InjectedFault, stanlocal.Recorder, stan.Client, stan.Message)
_METHODS = [
    (f"{owner.__name__}.{name}", method)
    for owner in _CLASSES
    for name, method in inspect.getmembers(owner, inspect.iscoroutinefunction)
    if not name.startswith("_")
]


@pytest.fixture
def unawaited() -> Iterator[Unawaited]:
    unawaited = Unawaited()
    unawaited.start()
    yield unawaited
    unawaited.stop()


def _call(method: Any) -> Any:
    """Call a method with something for each parameter that has no default: its code never begins."""
    needed = [
        each
        for each in inspect.signature(method).parameters.values()
        if each.default is each.empty and each.kind is not each.VAR_POSITIONAL
    ]
    return method(*(None for each in needed if each.kind is not each.KEYWORD_ONLY))


@pytest.mark.parametrize(("name", "method"), _METHODS, ids=[name for name, _ in _METHODS])
def test_each_public_coroutine_is_named_as_users_call_it(
    unawaited: Unawaited, name: str, method: Any
) -> None:
    _call(method)  # nothing holds the coroutine: it ends at once
    [line] = unawaited.take()
    assert line.startswith(f"{name}() was called and never awaited, so it did nothing: ")
    assert unawaited.take() == []


def test_an_awaited_one_is_not(unawaited: Unawaited) -> None:
    call = _call(stanlocal.FTGroup.close)
    with pytest.raises(AttributeError):
        call.send(None)
    del call
    assert unawaited.take() == []


def test_this_python_has_the_hook_and_gets_it_back() -> None:
    before = getattr(warnings, "_warn_unawaited_coroutine")  # noqa: B009 - not in its type stubs
    unawaited = Unawaited()
    unawaited.start()
    assert getattr(warnings, "_warn_unawaited_coroutine") is not before  # noqa: B009
    unawaited.stop()
    assert getattr(warnings, "_warn_unawaited_coroutine") is before  # noqa: B009
