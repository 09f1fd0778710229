"""Replay of a drill on its own clock, by the same screens as a live group."""

ENGINE = "ledger"
"""Name of the engine in a replayed group's document: there is none."""
