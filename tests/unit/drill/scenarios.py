"""Scenarios as short to write as a test needs."""

from __future__ import annotations

from pathlib import Path

from stanlocal.drill.scenario.scenario import Scenario
from stanlocal.drill.scenario.scenario_file import load_scenario


def scenario(folder: Path, text: str) -> Scenario:
    """The scenario that is written so."""
    file = folder / "mine.toml"
    file.write_text(text)
    return load_scenario(file)
