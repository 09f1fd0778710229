"""Ledgers with values of the wrong kind, and ledgers that say they hold more than they do."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from zlib import crc32

import pytest

from stanlocal.drill.analysis.checker import check
from stanlocal.drill.analysis.outcome import judged
from stanlocal.drill.ledger.entries import ABSENT, CELL, Header, Kind
from stanlocal.drill.ledger.reader import read_bytes
from stanlocal.drill.report.html import page
from stanlocal.drill.report.junit import junit_report
from stanlocal.drill.scenario.spec import LoadSpec
from stanlocal.errors import LedgerError
from tests.support.effort import inputs
from tests.support.memory import peak_above_start
from tests.support.mutation import mutated, mutated_document

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
BEGAN = int(NOW.timestamp() * 1e9)
HEADER = Header(
    LoadSpec(queue=2),
    "d",
    "g",
    5,
    NOW,
    99,
    {"budget": {"max_lost": 0, "max_outage": 5.0}},
    {"stanlocal": "1"},
)
_FAULT = {"id": "f1", "name": "kill", "targets": ["stan-0"], "node": "stan-0", "lost": {"orders": [1, 2]}}
_FAILOVER = {
    "from": "stan-0",
    "to": "stan-1",
    "cause": "kill",
    "fault": "f1",
    "began_at": "2026-11-23T12:00:01Z",
}
NOTES: list[dict[str, Any]] = [
    {"kind": "scenario", "title": "t", "teaches": "x", "source": "y"},
    {"kind": "nodes", "states": {"stan-0": "active", "stan-1": "standby"}},
    {"kind": "step", "number": 1, "step": "kill"},
    {"kind": "fault", **_FAULT},
    {"kind": "role", "node": "stan-1", "to": "active", "paused": True},
    {"kind": "failover", **_FAILOVER},
    {"kind": "heal", "id": "f1", "name": "kill", "targets": ["stan-0"]},
    {"kind": "said", "node": "stan-0", "problem": "p"},
    {"kind": "problem", "text": "bad"},
    {"kind": "faults", "faults": [{**_FAULT, "expected": "e", "observed": "o", "as_expected": True}]},
    {"kind": "failovers", "failovers": [_FAILOVER]},
    {"kind": "drained", "missing": 0},
    {"kind": "audit", "messages": 2},
    {"kind": "end", "interrupted": False},
]


def first_line(document: Any) -> bytes:
    text = json.dumps(document).encode()
    return text + b" " * (-(len(text) + 1) % CELL.size) + b"\n"


def note(document: Any) -> bytes:
    text = json.dumps(document).encode()
    head = CELL.pack(BEGAN, 0, len(text), crc32(text), ABSENT, ABSENT, 0, Kind.NOTE)
    return head + text + b" " * (-len(text) % CELL.size)


def event(kind: Kind, publisher: int = 0, number: int = 1, reader: int = ABSENT, at: int = BEGAN) -> bytes:
    return CELL.pack(at, number, number, 0, publisher, reader, 0, kind)


def header(**changed: Any) -> Any:
    return {**json.loads(HEADER.line()), **changed}


def loaded(**changed: Any) -> bytes:
    """A first line whose load has other values."""
    return first_line(header(load={**HEADER.load.document(), **changed}))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"sizes": 5}, "sizes of a load is not a list"),
        ({"channels": {"a": 1}}, "channels of a load is not a list"),
        ({"channels": "orders"}, "channels of a load is not a list"),
        ({"sizes": ["x"]}, "a size is 'x'"),
        ({"channels": [5]}, "a load with values of the wrong kind"),
        ({"publishers": "2"}, "publishers is '2'"),
        ({"rate": "fast"}, "a load with values of the wrong kind"),
    ],
)  # fmt: skip
def test_a_load_with_values_of_the_wrong_kind_is_refused(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(LedgerError, match=why):
        read_bytes(loaded(**changed))


@pytest.mark.parametrize("year", ["1971", "2200", "2261"])
def test_a_note_dated_centuries_away_is_shown(year: str, tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    moments = {"time": f"{year}-01-01T00:00:00Z", "node": "stan-0", "to": "active"}
    path.write_bytes(HEADER.line() + note({"kind": "role", **moments}))
    assert "<svg" in page(judged(path))


def test_half_a_character_ends_the_ledger() -> None:
    """A surrogate could be written to no file and no terminal."""
    data = HEADER.line() + note({"kind": "said", "time": "2026-11-23T12:00:00Z", "node": "\ud800"})
    assert check(read_bytes(data)).torn is not None


def ledger(dice: Random) -> bytes:
    """A ledger of two publishers with something wrong in its header, in its notes, or in its bytes."""
    where = dice.choice(("header", "notes", "bytes"))
    first = first_line(mutated_document(header(), dice)) if where == "header" else HEADER.line()
    documents: list[Any] = [
        {**each, "time": f"2026-11-23T12:00:{number:02}Z"} for number, each in enumerate(NOTES)
    ]
    for at in dice.sample(range(len(documents)), 2) if where == "notes" else ():
        documents[at] = mutated_document(documents[at], dice)
    rest = b""
    for number, document in enumerate(documents, 1):
        rest += event(Kind.PUBLISHED, 0, number) + event(Kind.DELIVERED, 0, number, 0)
        rest += event(Kind.ACKED, 0, number, at=BEGAN + number * 1_000_000_000) + note(document)
    return first + (mutated(rest, dice) if where == "bytes" else rest)


@pytest.mark.parametrize("block", range(4))
def test_a_ledger_with_anything_wrong_is_judged_or_refused_in_one_line(block: int, tmp_path: Path) -> None:
    """Every tenth is also drawn, which takes most of the time."""
    path = tmp_path / "ledger"
    judgements, refused = 0, list[str]()
    for seed in range(block * 250, block * 250 + inputs(250)):
        path.write_bytes(ledger(Random(seed)))
        try:
            outcome = judged(path)
        except LedgerError as error:
            refused.append(str(error))
            continue
        json.dumps(outcome.document(), ensure_ascii=False).encode()
        junit_report(outcome).encode()
        if seed % 10 == 0:
            page(outcome).encode()
        judgements += 1
    assert judgements > inputs(250) * 0.4
    assert not any("\n" in line for line in refused)


_MANY = {"publishers": 1000, "plain": 1000, "durable": 1000, "queue": 1000}


@pytest.mark.huge
@pytest.mark.parametrize(
    "data",
    [
        loaded(**_MANY),
        loaded(**_MANY) + b"".join(event(Kind.PUBLISHED, each) for each in range(1000)),
        loaded(**_MANY)
        + event(Kind.PUBLISHED)
        + b"".join(event(Kind.DELIVERED, reader=each) for each in range(3000)),
        loaded(**_MANY)
        + b"".join(event(Kind.PUBLISHED, number=each) for each in range(1, 20_000))
        + b"".join(event(Kind.DELIVERED, number=19_000, reader=each) for each in range(2000)),
        HEADER.line() + note({"kind": "x", "time": "2026-11-23T12:00:00Z", "a": [[]] * 1_000_000}),
        HEADER.line() + note({"kind": "x", "time": "2026-11-23T12:00:00Z", "a": ["a"] * 800_000}),
        HEADER.line() + note({"kind": "x", "time": "2026-11-23T12:00:00Z"}) * 300_000,
        HEADER.line() + note({"kind": "x", "time": "2026-11-23T12:00:00Z", "a": [[]] * 90_000}) * 50,
        HEADER.line() + CELL.pack(BEGAN, 0, 0xFFFFFFF0, 0, ABSENT, ABSENT, 0, Kind.NOTE) + bytes(64),
    ],
    ids=[
        "header",
        "publishers",
        "readers",
        "far apart",
        "lists",
        "values",
        "notes",
        "notes of lists",
        "length",
    ],
)
def test_a_ledger_takes_no_more_memory_than_it_holds(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    path.write_bytes(data)
    above = peak_above_start(
        f"""
        from pathlib import Path
        from stanlocal.drill.analysis.checker import check
        from stanlocal.drill.ledger.reader import read
        from stanlocal.errors import LedgerError
        start()
        try:
            check(read(Path({str(path)!r})))
        except LedgerError as error:
            print(error)
        """
    )
    assert above < 64 << 20
