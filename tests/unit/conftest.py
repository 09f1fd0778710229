"""Fixtures of the unit tests."""

from tests.support.world import world

__all__ = ["world"]
