"""The document of all settings, which scripts/settings writes."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.scripts import load_script
from tests.unit.settings.support import settle

script = load_script("settings")


def test_the_committed_document_is_current() -> None:
    assert script.DOCUMENT.read_text() == script.reference(), "run scripts/settings"


def test_the_check_names_a_document_that_differs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(script, "DOCUMENT", tmp_path / "settings.md")
    monkeypatch.setattr(sys, "argv", ["settings"])
    assert script.main() == 0
    monkeypatch.setattr(sys, "argv", ["settings", "--check"])
    assert script.main() == 0
    script.DOCUMENT.write_text("# Settings\n")
    assert script.main() == 1
    assert "docs/settings.md is not current" in capsys.readouterr().err


def test_the_example_is_valid_and_sets_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "stanlocal.toml").write_text(script.EXAMPLE)
    settings = settle({"STANLOCAL_NATS__AUTHORIZATION__PASSWORD": "x"}, start=tmp_path)
    assert settings.nodes == tomllib.loads(script.EXAMPLE)["nodes"]
    assert settings.streaming["store_limits"]["channels"] == {
        "audit.>": {"max_age": "0s", "max_bytes": 2 * 1024**3}
    }
