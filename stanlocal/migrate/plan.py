"""The plan of a migration: what becomes of every channel and durable, and what is lost. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from stanlocal.errors import SettingsError
from stanlocal.migrate import findings, naming
from stanlocal.migrate.branches import KEPT
from stanlocal.migrate.findings import Finding
from stanlocal.migrate.inventory import Channel, Inventory
from stanlocal.migrate.naming import Names
from stanlocal.migrate.stream_plan import ConsumerPlan, Served, StreamPlan
from stanlocal.util.printable import printable


@dataclass(frozen=True, slots=True)
class MigrationPlan:
    """Every stream to be made, and every finding."""

    inventory: Inventory
    streams: tuple[StreamPlan, ...]
    left_out: tuple[str, ...]
    """Channels that stay behind because the user said so."""
    findings: tuple[Finding, ...]
    names: Names = field(default_factory=Names)
    """Names that the user chose."""
    served: Served = field(default_factory=dict)
    """Positions of a running group's durables."""

    def split(self) -> frozenset[str]:
        """Return the channels that two servers wrote into at the same time."""
        return frozenset(stream.channel.name for stream in self.streams if stream.part != KEPT)

    def document(self) -> dict[str, Any]:
        return {
            "store": str(self.inventory.store),
            "cluster_id": self.inventory.cluster_id,
            "streams": [stream.document(self.served) for stream in self.streams],
            "left_out": [printable(name) for name in self.left_out],
            "findings": [finding.document() for finding in self.findings],
        }


def make_plan(
    inventory: Inventory, names: Names | None = None, *, limits_known: bool = True
) -> MigrationPlan:
    """Make the plan for an inventory.

    Raises `SettingsError` with every name that two things would get, that JetStream refuses, or that the user
    gave to what is not there.
    """
    chosen = names or Names()
    streams = []
    problems = chosen.unused(inventory.channels)
    for channel in inventory.channels:
        name = naming.stream_name(channel.name, chosen)
        if not name:
            continue
        named = [(each, naming.consumer_name(channel.name, each, chosen)) for each in channel.durables]
        taken = [(durable, consumer) for durable, consumer in named if consumer]
        problems += naming.problems_of(
            ((f"{channel.name} {each.label}", to) for each, to in taken), "consumer"
        )
        consumers = tuple(ConsumerPlan.of(to, channel, each) for each, to in taken)
        streams.append(StreamPlan(name, channel, consumers))
        streams += _conflicts(name, channel)
    problems += naming.problems_of(((_shown(each), each.name) for each in streams), "stream")
    subjects = ((_shown(each), each.subject) for each in streams)
    problems += [each for each in naming.shared(subjects, "subject") if each not in problems]
    if problems:
        raise SettingsError(problems)
    kept = {stream.channel.name for stream in streams}
    left_out = tuple(channel.name for channel in inventory.channels if channel.name not in kept)
    said = findings.of_inventory(inventory, limits_known=limits_known)
    said += findings.of_reserved(sum(each.channel.limits.max_bytes for each in streams))
    return MigrationPlan(
        inventory,
        tuple(streams),
        left_out,
        tuple(each for each in said if each.where.split(" ")[0] not in left_out),
        chosen,
    )


def _conflicts(name: str, channel: Channel) -> list[StreamPlan]:
    """Return a stream for each branch that is not kept of a channel that two servers wrote into."""
    if channel.split is None:
        return []
    numbers = range(1, len(channel.split.parts))
    return [
        StreamPlan(naming.conflict_name(name, number), channel.of_branch(number), (), number)
        for number in numbers
    ]


def _shown(stream: StreamPlan) -> str:
    conflict = f", conflict {stream.part}" if stream.part != KEPT else ""
    return f"channel {stream.channel.name}{conflict}"
