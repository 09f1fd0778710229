"""Channels and durables for tests."""

from __future__ import annotations

from collections.abc import Sequence

from stanlocal.migrate.inventory import Channel, Durable
from stanlocal.store.verify.limits import Limits


def durable(
    name: str,
    *,
    client_id: str = "",
    queue_group: str = "",
    last_sent: int = 0,
    pending: Sequence[int] = (),
    online: bool = False,
) -> Durable:
    return Durable(client_id, name, queue_group, last_sent, tuple(pending), 30 * 10**9, 1024, online)


def channel(
    name: str,
    *,
    messages: int = 0,
    first: int = 1,
    last: int = 0,
    durables: tuple[Durable, ...] = (),
    limits: Limits | None = None,
    largest: int = 0,
    beyond_limits: int = 0,
    ephemeral: int = 0,
    maybe_encrypted: bool = False,
) -> Channel:
    return Channel(
        name=name,
        messages=messages,
        first_sequence=first,
        last_sequence=last,
        largest=largest,
        beyond_limits=beyond_limits,
        limits=limits or Limits(),
        durables=durables,
        ephemeral=ephemeral,
        maybe_encrypted=maybe_encrypted,
        slices=(),
        disk_bytes=0,
    )
