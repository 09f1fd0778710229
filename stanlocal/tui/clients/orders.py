"""Orders for clients: checked settings of a form, and the equal command line. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from stanlocal.stan import (
    DeliverAll,
    LastReceived,
    NewOnly,
    StartPosition,
    StartSequence,
)
from stanlocal.stan.errors import InvalidOption
from stanlocal.stan.names import check_channel, check_durable
from stanlocal.stan.start import since

MADE_UP_BYTES = 128
"""Default size of generated messages, as in `stanlocal pub`."""
_ENDLESS = 1_000_000_000
"""Count in the command for a publication that runs until it is stopped."""
_NO_ID = re.compile(r"[^a-zA-Z0-9_-]")

Start = Literal["new", "all", "last", "seq", "since"]


@dataclass(frozen=True, slots=True)
class PublishOrder:
    """Messages to publish."""

    channel: str
    payload: str
    """Text of each message; empty: its number, padded to `size` bytes."""
    count: int | None
    """Number of messages; None: until it is stopped."""
    rate: float | None
    """Messages a second at most; None: as fast as possible."""
    size: int

    def data(self, number: int) -> bytes:
        """Return the message with this number, counted from 0."""
        if self.payload:
            return self.payload.encode()
        return (b"%d " % number).ljust(self.size, b".")[: self.size]

    @property
    def words(self) -> list[str]:
        """Arguments of the `stanlocal` command that does the same."""
        words = ["pub", self.channel]
        count = _ENDLESS if self.count is None else self.count
        if count != 1 or not self.payload:
            words += ["--count", str(count)]
        if self.rate is not None:
            words += ["--rate", f"{self.rate:g}"]
        if not self.payload and self.size != MADE_UP_BYTES:
            words += ["--size", str(self.size)]
        return [*words, *(["--", self.payload] if self.payload else [])]


def publish_order(channel: str, payload: str, count: str, rate: str, size: str) -> PublishOrder:
    """Read the texts of a form; raises `InvalidName` or `InvalidOption`, both subclasses of `StanError`."""
    check_channel(channel)
    return PublishOrder(
        channel,
        payload,
        _whole("count", count, least=1),
        _rate(rate),
        MADE_UP_BYTES if (asked := _whole("size", size, least=0)) is None else asked,
    )


@dataclass(frozen=True, slots=True)
class SubscribeOrder:
    """A subscription to make."""

    channel: str
    begin: Start = "new"
    place: str = ""
    """Sequence for `seq`, time for `since`."""
    durable: str = ""
    queue: str = ""
    manual_ack: bool = False

    def __post_init__(self) -> None:
        """Raise `InvalidName` or `InvalidOption` for settings that every server refuses."""
        check_channel(self.channel)
        check_durable(self.durable, self.queue)
        _start(self.begin, self.place)

    @property
    def start(self) -> StartPosition:
        return _start(self.begin, self.place)

    @property
    def client_id(self) -> str | None:
        """Fixed client id for a durable, which belongs to its client's id; None: any id works."""
        if not self.durable or self.queue:
            return None
        return _NO_ID.sub("_", f"stanlocal-tui-{self.channel}-{self.durable}")

    @property
    def words(self) -> list[str]:
        """Arguments of the `stanlocal` command that does the same."""
        words = ["sub", self.channel, f"--{self.begin}"]
        if self.begin in ("seq", "since"):
            words.append(self.place)
        for option, value in (
            ("--durable", self.durable),
            ("--queue", self.queue),
            ("--client-id", self.client_id),
        ):
            words += [option, value] if value else []
        return [*words, *(["--manual-ack"] if self.manual_ack else [])]

    @property
    def summary(self) -> str:
        """Short text with all settings but the channel."""
        begin = f"{self.begin} {self.place}".strip()
        named = (("durable", self.durable), ("queue", self.queue))
        parts = [begin, *(f"{what} {name}" for what, name in named if name)]
        return ", ".join([*parts, *(["manual ack"] if self.manual_ack else [])])


def _start(begin: Start, place: str) -> StartPosition:
    match begin:
        case "new":
            return NewOnly()
        case "all":
            return DeliverAll()
        case "last":
            return LastReceived()
        case "seq":
            if (sequence := _whole("sequence", place, least=0)) is None:
                raise InvalidOption("no sequence: give the one to begin with, for example 1")
            return StartSequence(sequence)
        case "since":
            return since(place)


def _whole(name: str, text: str, *, least: int) -> int | None:
    """Return the number; None for an empty text."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20) or int(text) < least:
        raise InvalidOption(f"{name} {text!r}: give a whole number from {least} on, or nothing")
    return int(text)


def _rate(text: str) -> float | None:
    if not text:
        return None
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < float("inf"):
        raise InvalidOption(f"rate {text!r}: give messages a second, for example 50, or nothing")
    return rate
