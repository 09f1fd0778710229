"""The table of commands and kinds of protection in docs/security.md."""

from __future__ import annotations

from pathlib import Path

from tests.integration.security.columns import COLUMNS
from tests.integration.security.commands import COMMANDS

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "security.md"


def test_documented_table_is_what_the_tests_run() -> None:
    rows = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `") and "✓" in line]
    names = [row.split("|")[1].strip().strip("`") for row in rows]
    assert names == list(COMMANDS)
    assert {row.count("✓") for row in rows} == {len(COLUMNS)}
    assert f"| | {' | '.join(COLUMNS)} |" in DOCUMENT.read_text()
