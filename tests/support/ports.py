"""Ports for the groups of one test, away from those that other tests' groups begin with."""

from __future__ import annotations

from functools import partial

import pytest

from stanlocal import planning
from stanlocal.ports import choose_ports

_EACH = 20
"""For each kind of port; more than any test has nodes."""


def use_ports_of_its_own(group: str, patch: pytest.MonkeyPatch) -> int:
    """Has the ports of all groups that are made now begin at a place that the name decides; which it is."""
    first = 14_000 + int(group.removeprefix("t-"), 16) % 15_000
    mine = partial(choose_ports, first_client=first, first_monitor=first + _EACH)
    patch.setattr(planning, "choose_ports", mine)
    patch.setattr(planning, "CLUSTER_PORT", first + 2 * _EACH)
    patch.setattr(planning, "INNER_PORT", first + 3 * _EACH)
    return first
