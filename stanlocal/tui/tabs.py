"""The tabs of the main screen in the order of their keys, each with what it shows. Pure."""

from __future__ import annotations

from collections.abc import Mapping

TABS: Mapping[str, str] = {
    "Logs": "the lines of all nodes, in time order",
    "Publish": "publish messages, and see the gaps in their acks",
    "Subscribe": "receive messages, and see the gaps between them",
    "Failovers": "each failover with its phases and its outage",
    "Timeline": "states, faults, failovers, locks and problems",
    "Data": "channels, messages, clients, subscriptions, the store",
    "Faults": "each fault with its prediction and its outcome",
}
"""Texts about the tabs, by their titles."""
