"""Blocking classes from asynchronous ones, each method named once and typed by the original.

::

    class Client(Blocking[stan.Client]):
        client_id = Same[str]()
        publish = blocking(stan.Client.publish)

`publish` takes the original's parameters, has its documentation, returns what it returns and raises what
it raises; type checkers see that too.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

from stanlocal.sync import portal

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
"""A view of an `FTGroup` is one of whatever `FTGroup` inherits from: it is only ever read."""
S = TypeVar("S")
T = TypeVar("T")


class Blocking(Generic[R_co]):
    """A blocking view of an asynchronous object; there can be several of one object."""

    _real: R_co

    @classmethod
    def of(cls, real: R_co) -> Self:  # type: ignore[misc] # it makes the view, as a constructor does
        """Return a view of an existing object."""
        view = cls.__new__(cls)
        view._real = real
        return view

    @property
    def _usable(self) -> R_co:
        """The object, checked to be usable."""
        return self._real

    def __repr__(self) -> str:
        return repr(self._real).replace("<", "<sync ", 1)


class OnLoop(Blocking[R_co]):
    """A blocking view of an object that lives on the background loop, and so in one process."""

    _process: portal.OfThisProcess

    @classmethod
    def of(cls, real: R_co) -> Self:  # type: ignore[misc] # it makes the view, as a constructor does
        view = super().of(real)
        view._process = portal.OfThisProcess()
        return view

    @property
    def _usable(self) -> R_co:
        self._process.check(self)
        return self._real


class Same(Generic[T]):
    """An attribute that is read from the original."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, view: None, owner: type) -> Self: ...
    @overload
    def __get__(self, view: Blocking[Any], owner: type) -> T: ...
    def __get__(self, view: Blocking[Any] | None, owner: type) -> Self | T:
        if view is None:
            return self
        value: T = getattr(view._real, self._name)
        return value


@overload
def blocking(
    method: Callable[Concatenate[R, P], Awaitable[T]],
) -> Callable[Concatenate[Blocking[R], P], T]: ...
@overload
def blocking(
    method: Callable[Concatenate[R, P], Awaitable[T]], shown: Callable[[T], S]
) -> Callable[Concatenate[Blocking[R], P], S]: ...
def blocking(method: Callable[..., Awaitable[Any]], shown: Callable[[Any], Any] | None = None) -> Any:
    """Return the method, blocking; its result is passed through `shown`."""

    @functools.wraps(method)
    def call(self: Blocking[Any], *args: Any, **kwargs: Any) -> Any:
        result = portal.PORTAL.run(_called(method, self._usable, *args, **kwargs))
        return result if shown is None else shown(result)

    return call


async def _called(method: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
    """Call the method on the loop: some look for the running loop before they wait for anything."""
    return await method(*args, **kwargs)


def iterating(
    method: Callable[Concatenate[R, P], AsyncIterator[T]],
) -> Callable[Concatenate[Blocking[R], P], Iterator[T]]:
    """Return the method, its asynchronous iterator as an iterator."""

    @functools.wraps(method)
    def call(self: Blocking[R], /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return portal.PORTAL.iterate(method(self._usable, *args, **kwargs))

    return call


def entering(
    method: Callable[Concatenate[R, P], AbstractAsyncContextManager[T]], shown: Callable[[T], S]
) -> Callable[Concatenate[Blocking[R], P], AbstractContextManager[S]]:
    """Return the method, its ``async with`` as a ``with``."""

    @functools.wraps(method)
    def call(self: Blocking[R], /, *args: P.args, **kwargs: P.kwargs) -> AbstractContextManager[S]:
        return _entered(method(self._usable, *args, **kwargs), shown)

    return call


@contextmanager
def _entered(manager: AbstractAsyncContextManager[T], shown: Callable[[T], S]) -> Iterator[S]:
    value = portal.PORTAL.run(manager.__aenter__())
    try:
        yield shown(value)
    except BaseException as error:
        if not portal.PORTAL.run(manager.__aexit__(type(error), error, error.__traceback__)):
            raise
    else:
        portal.PORTAL.run(manager.__aexit__(None, None, None))
