"""Conditions of lessons: whether something has happened, whoever did it and how. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from stanlocal.logs import event_types as ev
from stanlocal.tui.tour.observed import Since

Condition: TypeAlias = Callable[[Since], bool]

WATCHED_S = 6.0
"""Seconds after which a standby would long have taken over."""
_ANSWERED_S = 0.5
"""Time to an ack that is no outage."""


def healthy(since: Since) -> bool:
    """One node is active, and every other stands by."""
    return since.state == "healthy"


def settled(since: Since) -> bool:
    """The group is healthy, and no expired lock is waiting to be healed."""
    faults = since.observed.document["faults"] if since.observed.document else ()
    return healthy(since) and all(fault["name"] != "expire-lock" for fault in faults)


def in_need(since: Since) -> bool:
    """The group does not become healthy by itself."""
    return since.state in ("degraded", "blocked", "split-brain", "down")


def unserved(since: Since) -> bool:
    """No node serves, and none will by itself."""
    return since.state in ("blocked", "down")


def standby_chosen(since: Since) -> bool:
    """Keys act on a node that is not the active one."""
    chosen = since.observed.target
    return any(node["name"] == chosen for node in since.nodes) and chosen != since.active


def active_chosen(since: Since) -> bool:
    """Keys act on whichever node is active."""
    return since.observed.target == "@active"


def failed_over(since: Since) -> bool:
    """Another node has become ready, and the group's state says so too."""
    return since.failover is not None and since.active == since.failover.to_node


def only_a_standby_ended(since: Since) -> bool:
    """A node has ended, and the active one serves on."""
    ended = any(node["state"] in ("stopped", "failed") for node in since.nodes)
    return ended and since.active is not None and since.failover is None


def blocked(since: Since) -> bool:
    """A paused or isolated node has the lock, so that no other can serve."""
    return since.state == "blocked"


def frozen_without_block(since: Since) -> bool:
    """A node is paused, and another serves."""
    return since.active is not None and any(node["paused"] for node in since.nodes)


def cut(since: Since) -> bool:
    """A node's routes are cut, and exactly one node serves."""
    return since.active is not None and any(node["partitioned"] for node in since.nodes)


def nothing_followed(since: Since) -> bool:
    """Routes are cut, a standby has had its chance to take over, and no failover followed."""
    had_its_chance = any(since.lines(ev.LockBusy)) or since.seconds >= WATCHED_S
    return cut(since) and had_its_chance and since.failover is None


def two_active(since: Since) -> bool:
    """Two nodes are active over one store."""
    return since.state == "split-brain"


def published_through(since: Since) -> bool:
    """A failover is over, and every message of its time is stored or given up."""
    both = (since.observed.plain, since.observed.resending)
    caught_up = all(each.stored > 0 and each.waits_s < _ANSWERED_S for each in both)
    return caught_up and failed_over(since)


def any_failover(since: Since) -> bool:
    """There has been a failover in this group, at any time."""
    return bool(since.observed.failovers)


def opened(tab: str) -> Condition:
    """Return the condition that this tab is open."""
    return lambda since: since.observed.tab == tab
