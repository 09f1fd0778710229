"""Pages of a channel's messages: from the store's files, without disturbing any client, or from a server."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stanlocal.errors import StoreRefused
from stanlocal.stan import StartSequence
from stanlocal.store.format.message import StoredMessage, time_of
from stanlocal.store.format.slices import Window, summarize
from stanlocal.store.inspect.dump import dump
from stanlocal.store.inspect.survey import survey
from stanlocal.store.verify.problems import Problem
from stanlocal.tui.clients.reception import Received

if TYPE_CHECKING:
    from stanlocal.stan import Message
    from stanlocal.stan.connecting import Connecting
    from stanlocal.store.format.encryption import StoreKey

PAGE = 100
"""Messages on a page."""
KEPT_BYTES = 4096
"""Bytes of each message that are kept."""
_PAGE_TIMEOUT_S = 2.0
"""Seconds to wait for a page: its last messages may have expired meanwhile."""


@dataclass(frozen=True, slots=True)
class SequenceRange:
    """A range of sequences, both ends included; empty if `last` is 0."""

    first: int
    last: int

    def page(self, first: int | None) -> SequenceRange:
        """Return the page that begins at `first`, moved inside the range; None: the newest page."""
        newest = max(self.first, self.last - PAGE + 1)
        begin = newest if first is None else min(max(first, self.first), newest)
        return SequenceRange(begin, min(self.last, begin + PAGE - 1))


@dataclass(frozen=True, slots=True)
class Page:
    """Consecutive messages of a channel."""

    whole: SequenceRange
    """Sequences of the channel."""
    span: SequenceRange
    """Sequences of the page."""
    messages: Sequence[Received]
    problems: Sequence[str] = ()
    """Damaged messages of the page."""


def from_store(store: Path, channel: str, first: int | None, key: StoreKey | None = None) -> Page:
    """Read the page of messages from `first` on (None: the newest) from the store's files.

    Raises `StoreRefused` if the store or channel does not exist, or its messages may be encrypted and there
    is no key.
    """
    whole = _on_disk(store, channel)
    span = whole.page(first)
    messages, problems = [], []
    for found in dump(store, channel, Window(span.first, span.last), key):
        if isinstance(found, Problem):
            problems.append(f"{found.file}: {found.detail}")
        else:
            messages.append(found)
    if messages and all(message.may_be_encrypted for message in messages):
        raise StoreRefused(f"the messages of '{channel}' may be encrypted in {store}; ask a server for them")
    return Page(whole, span, [_received(message) for message in messages], problems)


def _on_disk(store: Path, channel: str) -> SequenceRange:
    slices = next((each.slices for each in survey(store).channels if each.name == channel), [])
    try:
        found = [summarize(store, each) for each in slices]
    except OSError as error:
        raise StoreRefused(f"cannot read {error.filename or store} ({error.strerror})") from error
    first = next((each.first.sequence for each in found if each.first), 0)
    last = next((each.last.sequence for each in reversed(found) if each.last), 0)
    return SequenceRange(first, last)


def _received(message: StoredMessage) -> Received:
    stored = time_of(message.timestamp)
    return Received(message.sequence, message.data[:KEPT_BYTES], len(message.data), stored, stored)


async def from_server(
    connect: Callable[..., Connecting],
    channel: str,
    whole: SequenceRange,
    first: int | None,
    timeout_s: float = _PAGE_TIMEOUT_S,
) -> Page:
    """Read the page with a subscription by a client of its own; both end with the call.

    Messages that do not arrive within `timeout_s` are left out. Raises `StanError` when no server answers.
    """
    span = whole.page(first)
    messages: list[Received] = []
    enough = asyncio.Event()

    def take(message: Message) -> None:
        if message.sequence <= span.last:
            data, stored = message.data, message.time
            messages.append(Received(message.sequence, data[:KEPT_BYTES], len(data), stored, stored))
        if message.sequence >= span.last:
            enough.set()

    async with connect(f"stanlocal-tui-browse-{secrets.token_hex(4)}") as client:
        subscription = await client.subscribe(
            channel, take, start=StartSequence(span.first), manual_ack=True, max_inflight=PAGE
        )
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await enough.wait()
        await subscription.unsubscribe()
    return Page(whole, span, messages)
