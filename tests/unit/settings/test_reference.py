"""The document of all settings."""

from __future__ import annotations

import tomllib
from pathlib import Path

from stanlocal.settings.reference import EXAMPLE, reference
from tests.unit.settings.support import settle

DOCUMENT = Path(__file__).parents[3] / "docs" / "settings.md"


def test_document_is_current() -> None:
    """If not: python -m stanlocal.settings.reference > docs/settings.md"""
    assert DOCUMENT.read_text() == reference()


def test_example_is_valid_and_sets_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "stanlocal.toml").write_text(EXAMPLE)
    settings = settle({"STANLOCAL_NATS__AUTHORIZATION__PASSWORD": "x"}, start=tmp_path)
    assert settings.nodes == tomllib.loads(EXAMPLE)["nodes"]
    assert settings.streaming["store_limits"]["channels"] == {
        "audit.>": {"max_age": "0s", "max_bytes": 2 * 1024**3}
    }
