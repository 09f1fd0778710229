"""The messages of a channel in the form that its stream gets, read from the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from stanlocal.errors import StoreRefused
from stanlocal.migrate.branches import KEPT, read_branch
from stanlocal.migrate.stream_plan import StreamPlan
from stanlocal.store.format.bulk_messages import BulkMessage, Piece, read_bulk
from stanlocal.store.format.encryption import ChannelKey, StoreKey, Undecryptable
from stanlocal.store.format.records import Damage, Flaw
from stanlocal.store.verify.problems import Kind
from stanlocal.store.verify.store import verify_subscriptions
from stanlocal.util.printable import printable

Report = Callable[[str, Damage], None]
"""Callback that takes a file and the damage in it."""


def refuse(file: str, damage: Damage) -> None:
    """Refuse a damaged store; raises `StoreRefused`."""
    raise StoreRefused(
        f"{printable(file)} is damaged at {damage.offset}: {damage.detail}; see 'stanlocal store verify', "
        "or go on with what is intact by '--salvage'"
    )


def messages_of(
    store: Path, plan: StreamPlan, damaged: Report = refuse, key: StoreKey | None = None
) -> Iterator[list[BulkMessage]]:
    """Yield the messages in the order of their sequences, without those written since the plan was made.

    What is damaged in a channel with several branches is reported with the one that is kept.
    With the store's key the data is decrypted; a message that it does not fit is damaged. Raises
    `StoreRefused` when a file cannot be read, or sequences do not ascend, and what `damaged` raises.
    """
    channel = plan.channel
    channel_key = key.channel(channel.name) if key is not None else None
    last = channel.first_sequence - 1
    try:
        for name, found in _stored(store, plan):
            if isinstance(found, Damage):
                if plan.part == KEPT:
                    damaged(name, found)
                continue
            messages = found
            if messages[-1][0] > channel.last_sequence:
                messages = [each for each in messages if each[0] <= channel.last_sequence]
            if messages:
                _check_order(name, messages, last)
                last = messages[-1][0]
                if channel_key is not None:
                    messages = _decrypted(messages, channel_key, name, damaged)
                if messages:
                    yield messages
    except OSError as error:
        raise StoreRefused(
            f"cannot read {error.filename or channel.name} ({error.strerror}); take a new copy of the store"
        ) from error


def damaged_positions(store: Path, channel: str) -> Iterator[tuple[str, Damage]]:
    """Yield the damaged records of a channel's durables, with their file: what they said is not known."""
    for problem in verify_subscriptions(store, channel):
        if problem.kind is not Kind.ZERO_TAIL:
            yield problem.file, Damage(problem.offset or 0, Flaw.UNDECODABLE, problem.detail)


def _stored(store: Path, plan: StreamPlan) -> Iterator[tuple[str, Piece]]:
    channel = plan.channel
    if channel.split is not None:
        yield from read_branch(store, channel.name, channel.slices, channel.split, plan.part)
        return
    for files in channel.slices:
        for found in read_bulk(store, files, channel.first_sequence):
            yield files.data or files.index or "", found


def _decrypted(messages: list[BulkMessage], key: ChannelKey, file: str, damaged: Report) -> list[BulkMessage]:
    readable: list[BulkMessage] = []
    for sequence, time, data in messages:
        try:
            readable.append((sequence, time, key.decrypt(data)))
        except Undecryptable as reason:
            detail = f"sequence {sequence} cannot be decrypted: {reason}"
            damaged(file, Damage(0, Flaw.UNDECRYPTABLE, detail))
    return readable


def _check_order(file: str, messages: list[BulkMessage], last: int) -> None:
    for sequence, _, _ in messages:
        if sequence <= last:
            raise StoreRefused(
                f"{printable(file)} has sequence {sequence} after {last}: two servers wrote into it "
                "at the same time; see 'stanlocal store verify'"
            )
        last = sequence
