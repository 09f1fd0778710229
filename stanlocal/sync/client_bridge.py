"""A STAN client that lives on the background event loop, to be awaited on any other.

It answers the server whatever the other loop does. Its callbacks run on the loop that subscribed.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, cast

from stanlocal.stan.ack import PublishAck
from stanlocal.stan.message import Message
from stanlocal.stan.subscription import Callback, Subscription
from stanlocal.sync import portal

if TYPE_CHECKING:
    from stanlocal.stan.client import Client
    from stanlocal.sync.stan import Client as BlockingClient


def for_any_loop(client: BlockingClient) -> Client:
    """Return the client with the methods of `stanlocal.stan.Client`, to be awaited on any event loop."""
    return cast("Client", _Client(client._real))


class _Bridge:
    """A view that awaits the methods of `real` on its own loop; other attributes are unchanged."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self._process = portal.OfThisProcess()

    def __repr__(self) -> str:
        return repr(self._real)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if not inspect.iscoroutinefunction(found):
            return found

        @functools.wraps(found)
        async def call(*args: Any, **kwargs: Any) -> Any:
            self._process.check(self)
            return _seen(await portal.PORTAL.across(found(*args, **kwargs)))

        return call

    async def __aenter__(self) -> _Bridge:
        return self

    async def __aexit__(self, *error: Any) -> None:
        self._process.check(self)
        await portal.PORTAL.across(self._real.__aexit__(*error))


class _Client(_Bridge):
    async def subscribe(self, channel: str, callback: Callback | None = None, **options: Any) -> Any:
        self._process.check(self)
        back = None if callback is None else _back_to(asyncio.get_running_loop(), callback)
        return _seen(await portal.PORTAL.across(self._real.subscribe(channel, back, **options)))


class _Subscription(_Bridge):
    def __aiter__(self) -> _Subscription:
        return self

    async def __anext__(self) -> Any:
        self._process.check(self)
        found = await portal.PORTAL.across(portal.next_of(self._real))
        if found is None:
            raise StopAsyncIteration
        return _seen(found[0])


class _PublishAck(_Bridge):
    def __await__(self) -> Generator[Any, None, str]:
        self._process.check(self)
        return portal.PORTAL.across(self._real).__await__()


_VIEWS: dict[type, type[_Bridge]] = {
    Message: _Bridge,
    PublishAck: _PublishAck,
    Subscription: _Subscription,
}


def _seen(value: Any) -> Any:
    view = _VIEWS.get(type(value))
    return value if view is None else view(value)


def _back_to(loop: asyncio.AbstractEventLoop, callback: Callback) -> Callback:
    async def handle(message: Message) -> None:
        result = callback(_seen(message))
        if inspect.isawaitable(result):
            await result

    async def deliver(message: Message) -> None:
        await portal.PORTAL.call_elsewhere(handle(message), loop)

    return deliver
