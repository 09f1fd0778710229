"""The JetStream stream or consumer that each channel and durable would become, from the store's files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stanlocal.group.home import GroupHome
from stanlocal.group.store_key import store_key
from stanlocal.machine.user_dirs import group_folder
from stanlocal.migrate.branches import KEPT
from stanlocal.migrate.findings import Finding
from stanlocal.migrate.inventory import take_inventory
from stanlocal.migrate.plan import MigrationPlan, make_plan
from stanlocal.migrate.stream_plan import StreamPlan
from stanlocal.monitor.documents import Document


@dataclass(frozen=True, slots=True)
class Migration:
    """The plan of leaving for JetStream."""

    documents: Sequence[Document]
    """One for each stream, followed by those of its consumers."""
    findings: Sequence[Finding]
    """Everything that is lost or changes."""


def migration_of(store: Path, group: str) -> Migration:
    """Plan the migration of a group's store, under the group's limits and with its key.

    Raises `StoreRefused` for an unreadable store, `SettingsError` for names that collide, `StateError` for
    unreadable secrets of the group.
    """
    plan = GroupHome(group_folder(group)).load_plan()
    limits = plan.streaming.get("store_limits", {}) if plan else None
    key = store_key(plan) if plan else None
    made = make_plan(take_inventory(store, limits, key=key), limits_known=limits is not None)
    return Migration(list(_documents(made)), made.findings)


def _documents(plan: MigrationPlan) -> Iterator[dict[str, Any]]:
    for stream in plan.streams:
        name = stream.channel.name
        yield {
            "channel": name,
            "durable": "",
            "becomes": f"stream {stream.name}",
            "next": _extent(stream),
            "unacked": None,
            **_findings(plan, name if stream.part == KEPT else ""),
        }
        for consumer in stream.consumers:
            label = consumer.durable.label
            yield {
                "channel": name,
                "durable": label,
                "becomes": f"consumer {consumer.name}",
                "next": f"{consumer.delivered + 1}",
                "unacked": len(consumer.pending),
                **_findings(plan, f"{name} {label}"),
            }


def _extent(stream: StreamPlan) -> str:
    channel = stream.channel
    return f"{channel.first_sequence}-{channel.last_sequence}" if channel.messages else "-"


def _findings(plan: MigrationPlan, where: str) -> dict[str, Any]:
    kinds = [finding.kind.value for finding in plan.findings if where and finding.where == where]
    return {"findings": ", ".join(kinds), "findings_count": len(kinds)}
