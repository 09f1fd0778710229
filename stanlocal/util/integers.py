"""Limits of the integers that Go programs read."""

from __future__ import annotations

INT64_MAX = 2**63 - 1
