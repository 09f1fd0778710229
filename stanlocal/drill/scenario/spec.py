"""The load of a drill, and its participants with their numbers. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from stanlocal.drill.load.payload import SMALLEST
from stanlocal.stan.errors import InvalidName
from stanlocal.stan.names import check_channel

ReaderKind = Literal["plain", "durable", "queue", "audit"]

MOST = 1_000
"""Limit for channels, publishers, and subscribers of one kind; each publisher and subscriber is a client."""
LARGEST = 1_000_000
"""Bytes of the largest message: a little less than a NATS server takes by default."""


@dataclass(frozen=True, slots=True)
class LoadSpec:
    """Publishers and subscribers; `problems` lists what is invalid."""

    channels: tuple[str, ...] = ("orders",)
    publishers: int = 2
    """Publisher i publishes to channel i modulo the number of channels, so each channel needs one."""
    rate: float | None = None
    """Messages per second of all publishers together; None to send as acks come."""
    window: int = 16
    """Most unacknowledged messages of a publisher. With 1 its messages stay in order through a
    failover; with more, those in flight together may be stored in another order."""
    sizes: tuple[int, ...] = (128,)
    """Sizes of messages in bytes, used in turn."""
    plain: int = 1
    """Subscribers, each to every channel, that the server knows only while they are connected."""
    durable: int = 1
    """Subscribers, each to every channel, whose place the server keeps."""
    queue: int = 0
    """Members of one durable queue group, each on every channel: a message goes to one of them."""
    ack_wait: int = 5
    """Whole seconds after which the server sends again what a subscriber has not acknowledged."""

    def problems(self) -> list[str]:
        """Return all problems, one line each."""
        return list(_problems(self))

    def document(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self) | {"channels": list(self.channels), "sizes": list(self.sizes)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> LoadSpec:
        """Return the spec in `document`; raises `ValueError` where there is none."""
        known = {field.name for field in fields(cls)}
        if unknown := document.keys() - known:
            raise ValueError(f"a load has no {', '.join(sorted(unknown))}")
        lists = {key: _tuple(key, document[key]) for key in ("channels", "sizes") if key in document}
        try:
            spec = cls(**{**document, **lists})
            problems = spec.problems()
        except TypeError as error:
            raise ValueError(f"a load with values of the wrong kind: {error}") from error
        if problems:
            raise ValueError(problems[0])
        return spec

    def roster(self) -> Roster:
        """Return the participants, in the order of their numbers."""
        queue = (Audience("queue", "queue"),) if self.queue else ()
        alone = (
            *(Audience(f"plain-{index}", "plain") for index in range(self.plain)),
            *(Audience(f"durable-{index}", "durable") for index in range(self.durable)),
        )
        members = tuple(Recipient(f"queue-{index}", "queue", len(alone)) for index in range(self.queue))
        audiences = (*alone, *queue, Audience("audit", "audit"))
        single = tuple(Recipient(each.name, each.kind, index) for index, each in enumerate(alone))
        last = Recipient("audit", "audit", len(audiences) - 1)
        channels = tuple(self.channels[each % len(self.channels)] for each in range(self.publishers))
        return Roster(channels, audiences, (*single, *members, last))


@dataclass(frozen=True, slots=True)
class Audience:
    """A recipient of every message: one subscriber, or the members of a queue group together."""

    name: str
    kind: ReaderKind


@dataclass(frozen=True, slots=True)
class Recipient:
    """One subscribing client."""

    name: str
    kind: ReaderKind
    audience: int


@dataclass(frozen=True, slots=True)
class Roster:
    """The participants; their positions are their numbers in the ledger."""

    publishers: tuple[str, ...]
    """Channel of each publisher."""
    audiences: tuple[Audience, ...]
    readers: tuple[Recipient, ...]
    """The last audience and the last reader are the audit, which reads the channels again at the end."""


def _problems(spec: LoadSpec) -> Iterator[str]:
    for name in ("publishers", "window", "plain", "durable", "queue", "ack_wait"):
        least = 1 if name in ("publishers", "window", "ack_wait") else 0
        value = getattr(spec, name)
        if not _whole(value) or not least <= value <= MOST:
            yield f"{name} is {value!r}: give a whole number from {least} to {MOST}"
    if not 1 <= len(spec.channels) <= MOST or len(set(spec.channels)) < len(spec.channels):
        yield f"channels has {len(spec.channels)} names: give 1 to {MOST}, each once"
    for channel in spec.channels:
        try:
            check_channel(channel)
        except InvalidName as error:
            yield str(error)
    if _whole(spec.publishers) and spec.publishers < len(spec.channels):
        yield f"publishers is {spec.publishers} for {len(spec.channels)} channels: each channel needs one"
    if spec.rate is not None and not 0 < spec.rate <= 1_000_000:
        yield f"rate is {spec.rate!r}: give more than 0 and at most 1000000 messages a second, or none"
    if not 1 <= len(spec.sizes) <= MOST:
        yield f"sizes has {len(spec.sizes)} values: give 1 to {MOST}"
    for size in spec.sizes:
        if not _whole(size) or not SMALLEST <= size <= LARGEST:
            yield f"a size is {size!r}: give whole bytes from {SMALLEST} to {LARGEST}"
    if [spec.plain, spec.durable, spec.queue] == [0, 0, 0]:
        yield "there is no subscriber: give plain, durable or queue at least 1"


def _tuple(name: str, value: object) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{name} of a load is not a list")
    return tuple(value)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
