"""Memory of the readers of a store, whatever the store says it holds."""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from stanlocal.errors import StoreRefused
from stanlocal.store.format.message import StoredMessage
from stanlocal.store.format.records import LARGEST
from stanlocal.store.format.slices import Window
from stanlocal.store.inspect.diff import diff
from stanlocal.store.inspect.dump import Format, line, pieces
from stanlocal.store.inspect.dump import dump as read
from stanlocal.store.inspect.overview import overview
from stanlocal.store.verify.problems import Kind, Problem
from stanlocal.store.verify.store import verify
from tests.support import stores
from tests.support.memory import too_large
from tests.support.stores import index_record, make_store

pytestmark = pytest.mark.huge

MOST = 64 << 20
MEGABYTE = 1 << 20
_HOLE = 80 << 20

Make = Callable[[Path], object]


def crc_of_zeros(size: int, begin: bytes = b"") -> int:
    found = zlib.crc32(begin)
    for at in range(0, size, 1 << 20):
        found = zlib.crc32(bytes(min(1 << 20, size - at)), found)
    return found


def hole(path: Path, begin: bytes, size: int, end: bytes = b"") -> None:
    """A file that begins with some bytes and goes on with zeros that take no room on disk."""
    with path.open("wb") as file:
        file.write(stores.VERSION + begin)
        file.truncate(len(stores.VERSION) + len(begin) + size)
        file.seek(0, os.SEEK_END)
        file.write(end)


def message_of_zeros(size: int) -> tuple[bytes, bytes]:
    """Return the bytes before and behind the zeros of an intact message whose data they are."""
    before = stores.number(1, 1) + stores.data(2, b"orders") + b"\x22" + stores.varint(size)
    after = stores.number(5, stores.EPOCH)
    crc = zlib.crc32(after, crc_of_zeros(size, before))
    return struct.pack("<II", len(before) + size + len(after), crc) + before, after


def _damaged(store: Path) -> None:
    hole(store / "orders/msgs.1.dat", struct.pack("<II", 90 * MEGABYTE, 1), 90 * MEGABYTE + 100)
    (store / "orders/msgs.1.idx").unlink()


def _indexed(store: Path) -> None:
    hole(store / "orders/msgs.1.dat", struct.pack("<II", 90 * MEGABYTE, 1), 90 * MEGABYTE)
    entry = index_record(1, 4, stores.EPOCH, 90 * MEGABYTE)
    (store / "orders/msgs.1.idx").write_bytes(stores.VERSION + entry)


def _intact(store: Path) -> None:
    begin, end = message_of_zeros(_HOLE)
    hole(store / "orders/msgs.1.dat", begin, _HOLE, end)
    (store / "orders/msgs.1.idx").unlink()


def _largest(store: Path) -> None:
    size = LARGEST - 100
    begin, end = message_of_zeros(size)
    hole(store / "orders/msgs.1.dat", begin, size, end)
    (store / "orders/msgs.1.idx").unlink()


def _typed(store: Path) -> None:
    size = (1 << 24) - 1
    for name in ("clients.dat", "orders/subs.dat"):
        hole(store / name, struct.pack("<II", 1 << 24 | size, crc_of_zeros(size)), size)


def _many(store: Path) -> None:
    """Many damaged records of eight bytes: to keep a problem for each takes twice what may be taken."""
    (store / "orders/msgs.1.dat").write_bytes(stores.VERSION + struct.pack("<II", 0, 1) * (1 << 17))
    (store / "orders/msgs.1.idx").unlink()
    (store / "clients.dat").write_bytes(stores.VERSION + struct.pack("<II", 1 << 24, 1) * (1 << 17))


def _known(store: Path) -> None:
    """Clients, and pending sequences of one subscription, that are all intact and many."""
    clients = (
        (1, stores.data(1, b"client-%d" % each) + stores.data(2, b"_INBOX.hb")) for each in range(40_000)
    )
    (store / "clients.dat").write_bytes(stores.typed(clients))
    sent = ((5, stores.update(1, 2 * each + 1)) for each in range(400_000))
    (store / "orders/subs.dat").write_bytes(stores.typed([(1, stores.subscription(1)), *sent]))


def _offline(store: Path) -> None:
    """Intact durable subscriptions, many."""
    subs = ((1, stores.subscription(each, f"durable-{each}")) for each in range(1, 40_001))
    (store / "orders/subs.dat").write_bytes(stores.typed(subs))


CASES: list[Make] = [_damaged, _indexed, _intact, _largest, _typed, _many, _known, _offline]
_READ_ALL = """
import json
from stanlocal.errors import StoreRefused
from stanlocal.store.format.slices import Window
from stanlocal.store.inspect.diff import diff
from stanlocal.store.inspect.dump import dump, pieces
from stanlocal.store.inspect.overview import overview
from stanlocal.store.verify.problems import Problem
from stanlocal.store.verify.store import verify

json.dumps("ä", ensure_ascii=False).encode()
start()
for store in sorted(STORES.iterdir()):
    verify(store)
    mark(f"verify of {store.name}")
    for found in dump(store, "orders", Window()):
        if not isinstance(found, Problem):
            for how in ("jsonl", "text", "hex"):
                for piece in pieces(found, how):
                    piece.encode()
    mark(f"dump of {store.name}")
    overview(store, {})
    mark(f"overview of {store.name}")
    try:
        diff(store, store)
    except StoreRefused as error:
        print(error)
    mark(f"diff of {store.name}")
"""


def test_readers_of_a_store_take_little_memory(tmp_path: Path) -> None:
    for make in CASES:
        make(make_store(tmp_path / make.__name__))
    code = f"from pathlib import Path\nSTORES = Path({str(tmp_path)!r})\n{_READ_ALL}"
    assert too_large(code, MOST) == []


def test_more_clients_and_pending_sequences_than_are_listed_are_a_problem(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store")
    _known(store)
    document = overview(store)
    assert [problem["kind"] for problem in document["problems"]] == ["too-many", "too-many"]
    assert verify(store).records == 440_002
    with pytest.raises(StoreRefused, match="too many clients"):
        diff(store, store)


def test_a_message_too_large_to_show_is_intact_and_reported(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store")
    _intact(store)
    found = verify(store)
    assert [problem.kind for problem in found.problems] == [Kind.INDEX_MISSING]
    assert found.messages == 1
    (told,) = read(store, "orders", Window())
    assert isinstance(told, Problem)
    assert told.detail == f"{_HOLE + 25} bytes; at most {LARGEST} are shown of a message"


def test_problems_are_counted_where_they_are_not_kept(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store")
    (store / "clients.dat").write_bytes(stores.VERSION + struct.pack("<II", 1 << 24, 1) * 5000)
    found = verify(store)
    assert (len(found.problems), found.problems_total) == (1000, 5000)


@pytest.mark.parametrize("data", ['ä\0"\n' * 50_000, "x" * 65_536, "", "\U0001f600" * 40_000])
@pytest.mark.parametrize("how", ["jsonl", "text", "hex"])
def test_the_pieces_of_a_message_are_its_line(data: str, how: Format) -> None:
    for content in (data.encode(), data.encode() + b"\xff"):
        message = StoredMessage(7, 'orders"data": ""', content, stores.EPOCH)
        assert "".join(pieces(message, how)) == f"{line(message, how)}\n"
        if how == "jsonl":
            json.loads("".join(pieces(message, how)))
