"""Small files of ours with a hole in them, which are long and take no room on disk: no memory either."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.memory import peak_above_start

pytestmark = pytest.mark.huge

MOST = 64 << 20
LENGTH = 100 << 20
"""Bytes; more than `MOST`, which whoever takes a file whole exceeds."""

_PLAN = """
from stanlocal.errors import GroupError
from stanlocal.group.home import GroupHome
start()
try:
    GroupHome(FOLDER).load_plan()
except GroupError as error:
    print(str(error).splitlines() == [str(error)])
"""
_LOG = """
from stanlocal.group.home import GroupHome
start()
list(GroupHome(FOLDER).saved_log("g-0").lines())
"""
_NODE = """
from stanlocal.engine.process.node_files import NodeFiles
from stanlocal.errors import EngineError
start()
for read in (NodeFiles(FOLDER).node, NodeFiles(FOLDER).run):
    try:
        read()
    except EngineError as error:
        print(str(error).splitlines() == [str(error)])
"""
_JOURNAL = """
from stanlocal.history.journal import Journal
start()
Journal(FOLDER).faults()
"""
_MARKER = """
from stanlocal.errors import StoreRefused
from stanlocal.store.guard.content import inspect_store
start()
try:
    inspect_store(FOLDER)
except StoreRefused as error:
    print(str(error).splitlines() == [str(error)])
"""
_SETTINGS = """
from stanlocal.errors import SettingsError
from stanlocal.settings import load
start()
try:
    load({}, {}, None, FOLDER)
except SettingsError as error:
    print(str(error).splitlines() == [str(error)])
"""


_OUTPUT = """
from stanlocal.engine.process.output import Tail, kept, last_lines
(FOLDER / "00000001.log").rename(FOLDER / "00000002.log")
(FOLDER / "00000001.log").write_text("")
start()
assert [*kept(FOLDER)] == last_lines(FOLDER, 3) == []
with Tail(FOLDER) as tail:
    assert tail.read() == []
"""


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (("group.json",), _PLAN),
        (("logs/g-0.log",), _LOG),
        (("node.json", "run"), _NODE),
        (("journal.jsonl",), _JOURNAL),
        ((".stanlocal.json", "server.dat"), _MARKER),
        (("stanlocal.toml",), _SETTINGS),
        (("00000001.log",), _OUTPUT),
    ],
    ids=["plan", "log", "node", "journal", "marker", "settings", "output"],
)
def test_a_file_with_a_hole_takes_no_memory(names: tuple[str, ...], code: str, tmp_path: Path) -> None:
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"{")
        os.truncate(path, LENGTH)
    above = peak_above_start(f"from pathlib import Path\nFOLDER = Path({str(tmp_path)!r})\n{code}")
    assert above < MOST


def test_a_journal_of_many_pieces_is_read_to_its_end(tmp_path: Path) -> None:
    from stanlocal.history import JOURNAL_FILE
    from stanlocal.history.journal import Journal

    record = '{"time":"2026-01-01T00:00:00Z","type":"heal","fault":"f1","observed":"%s"}\n'
    (tmp_path / JOURNAL_FILE).write_text((record % ("x" * 100_000)) * 200)
    journal = Journal(tmp_path)
    assert len(journal.records()) == 200
    with (tmp_path / JOURNAL_FILE).open("a") as file:
        file.write(record % "y")
    assert len(journal.records()) == 201
