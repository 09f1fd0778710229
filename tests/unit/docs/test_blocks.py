"""Blocks of code in the documentation: Python that compiles, settings that are valid."""

from __future__ import annotations

import ast
import os
import tomllib
from pathlib import Path

import pytest

from stanlocal.settings.tool_options import SETTINGS
from tests.support.pages import Block, blocks
from tests.unit.settings.support import settle

_OTHERS = {
    "docs/drills.md": "step",
    "docs/jetstream.md": "streams",
    "docs/testing.md": "tool",
    "docs/tui.md": "keys",
}
"""Pages with TOML that is no stanlocal.toml, and a table of it; tests of the parts that read it try it."""
_FILES = ("server.pem", "server.key", "ca.pem", "client.pem", "client.key", "routes.pem", "routes.key")


@pytest.mark.parametrize("block", blocks("python", "py"), ids=str)
def test_python_compiles(block: Block) -> None:
    compile(block.code, block.page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_settings_are_valid(block: Block, tmp_path: Path) -> None:
    given = tomllib.loads(block.code)
    if block.page in _OTHERS:
        assert _OTHERS[block.page] in given
        return
    for name in _FILES:
        (tmp_path / name).touch(mode=0o600)
    (tmp_path / "stanlocal.toml").write_text(block.code)
    environment = {"STANLOCAL_NATS__AUTHORIZATION__PASSWORD": "x"} if "authorization" in block.code else {}
    settings = settle(environment, file=tmp_path / "stanlocal.toml", start=tmp_path)
    assert given.keys() <= {option.name for option in SETTINGS.options}
    for table in given.keys() & {"nats", "streaming"}:
        assert given[table].keys() <= getattr(settings, table).keys()


def test_bash_blocks_name_scripts_that_there_are() -> None:
    root = Path(__file__).resolve().parents[3]
    named = {
        word
        for block in blocks("console")
        for line in block.code.splitlines()
        if line.startswith("$ ")
        for word in line.split()
        if word.startswith("scripts/")
    }
    assert "scripts/stanlocal" in named
    assert [name for name in sorted(named) if not os.access(root / name, os.X_OK)] == []
