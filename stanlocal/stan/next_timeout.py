"""The time that the iteration of a subscription waits for a message."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from stanlocal.stan.errors import MessageTimeout
from stanlocal.stan.options import SubscriptionOptions


def in_time(arrival: Awaitable[None], options: SubscriptionOptions, delivered: int) -> Awaitable[None]:
    """Wait for the arrival; raise `MessageTimeout` once the subscription's `next_timeout` is over.

    `delivered` is the number of earlier messages.
    """
    limit = options.next_timeout
    return arrival if limit is None else _within(limit, arrival, options, delivered)


async def _within(
    seconds: float, arrival: Awaitable[None], options: SubscriptionOptions, delivered: int
) -> None:
    try:
        async with asyncio.timeout(seconds):
            await arrival
    except TimeoutError:
        raise MessageTimeout(
            f"no message on {options.channel!r} within {seconds:g} s, after {delivered} before; check that "
            "one was published, or subscribe with an earlier start or a longer next_timeout"
        ) from None
