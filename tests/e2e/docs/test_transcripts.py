"""What pages of the documentation show of commands is what the commands print."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.transcript import COMPARED, Console, differs, is_run, shown

pytestmark = pytest.mark.server


@pytest.mark.parametrize("page", COMPARED)
def test_commands_print_what_the_page_shows(
    page: str, tmp_path: Path, server_binary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Update it with 'python -m tests.support.transcript'."""
    monkeypatch.setenv("STANLOCAL_SERVER_BINARY", str(server_binary))
    console = Console(tmp_path)
    try:
        found = [differs(said, console.run(said.command)) for said in shown(page) if is_run(said)]
    finally:
        console.end()
    assert [each for each in found if each] == []
