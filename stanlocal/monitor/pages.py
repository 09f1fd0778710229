"""The lists of the active node's monitor, read in pages."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from stanlocal.errors import MonitorError, NodeNotFound
from stanlocal.model.plan import Monitor
from stanlocal.monitor.client import ask_role, fetch, url_of
from stanlocal.monitor.documents import Document

PAGE = 100
"""Entries asked for at once: 100 channels with 100 subscriptions each are within `client.FETCH_BYTES`."""
_ROLE_TIMEOUT_S = 0.5
_MOST_PAGES = 10_000


async def find_active(
    monitors: Sequence[tuple[str, Monitor]], timeout: float = _ROLE_TIMEOUT_S
) -> tuple[str, Monitor]:
    """Return the first of these (node, monitor's URL) whose monitor says it is active.

    All are asked at once. Raises `NodeNotFound` when none says so within `timeout` seconds.
    """
    answers = await asyncio.gather(*(ask_role(url, timeout) for _, url in monitors))
    for (node, url), answer in zip(monitors, answers, strict=True):
        if answer.state == "FT_ACTIVE":
            return node, url
    answered = ", ".join(
        f"{node} {answer.state or answer.outcome}"
        for (node, _), answer in zip(monitors, answers, strict=True)
    )
    raise NodeNotFound(f"no node is active now ({answered or 'no nodes'}); see 'stanlocal status'")


async def channels(url: Monitor, timeout: float) -> list[Document]:
    """Return every channel with its subscriptions, by name; raise `MonitorError` as `fetch` does."""
    return await _all(url, "/streaming/channelsz?subs=1", "channels", "name", timeout)


async def clients(url: Monitor, timeout: float) -> list[Document]:
    """Return every client with its subscriptions, by id; raise `MonitorError` as `fetch` does."""
    return await _all(url, "/streaming/clientsz?subs=1", "clients", "id", timeout)


async def server(url: Monitor, timeout: float) -> Document:
    """Return the server's counters; raise `MonitorError` as `fetch` does."""
    return await fetch(url, "/streaming/serverz", timeout)


async def _all(url: Monitor, path: str, key: str, name: str, timeout: float) -> list[Document]:
    """Read the entries of all pages within `timeout` seconds; one that moved between pages is listed once."""
    found: dict[str, Document] = {}
    try:
        async with asyncio.timeout(timeout):
            for number in range(_MOST_PAGES):
                page = await fetch(url, f"{path}&limit={PAGE}&offset={number * PAGE}", timeout)
                entries = page.get(key) or []
                if not _is_list_of_named(entries, name):
                    raise MonitorError(f"{url_of(url)}{path} has no list of {key}", "strange")
                found |= {entry[name]: entry for entry in entries}
                if len(entries) < PAGE:
                    break
    except TimeoutError:
        raise MonitorError(
            f"no full answer from {url_of(url)}{path} within {timeout:g} s", "silent"
        ) from None
    return [found[each] for each in sorted(found)]


def _is_list_of_named(entries: Any, name: str) -> bool:
    return isinstance(entries, list) and all(
        isinstance(entry, dict) and isinstance(entry.get(name), str) for entry in entries
    )
