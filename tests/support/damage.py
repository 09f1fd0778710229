"""A store, and every kind of damage that can be planted in it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from stanlocal.store.verify.problems import Kind, Start
from tests.support import stores
from tests.support.stores import index_offset, index_record, make_store, slice_of

Plant = Callable[[Path], object]
REFUSED, SILENT, REPAIRED = Start.REFUSED, Start.SILENT, Start.REPAIRED
MANY = [b"%04d" % i + b"p" * 60 for i in range(1000)]


def sound(store: Path) -> Path:
    first, second = slice_of(MANY), slice_of([b"q" * 30] * 300, first=1001)
    subs = [(1, stores.subscription(1, "d")), *((5, stores.update(1, i)) for i in range(1, 200))]
    return make_store(store, [first, second], subs=subs)


def flip(name: str, offset: int) -> Plant:
    def plant(store: Path) -> None:
        content = bytearray((store / name).read_bytes())
        content[offset] ^= 0x10
        (store / name).write_bytes(content)

    return plant


def cut(name: str, size: int) -> Plant:
    return lambda store: os.truncate(store / name, size)


def write(name: str, content: bytes) -> Plant:
    return lambda store: (store / name).write_bytes(content)


def append(name: str, content: bytes) -> Plant:
    def plant(store: Path) -> None:
        with (store / name).open("ab") as file:
            file.write(content)

    return plant


def remove(*names: str) -> Plant:
    def plant(store: Path) -> None:
        for name in names:
            (store / name).unlink()

    return plant


def folder(name: str) -> Plant:
    return lambda store: (store / name).mkdir()


def copy(source: str, target: str) -> Plant:
    return lambda store: (store / target).write_bytes((store / source).read_bytes())


MIDDLE = slice_of(MANY).offsets[500]
LAST = slice_of(MANY).offsets[999]
DAT, IDX = "orders/msgs.1.dat", "orders/msgs.1.idx"
DAT2, IDX2, SUBS = "orders/msgs.2.dat", "orders/msgs.2.idx", "orders/subs.dat"
ENTRY = index_offset(500)


def wrong_entry(offset: int) -> Plant:
    """An index entry that is intact and points elsewhere."""
    size = len(stores.message(501, MANY[500]))
    entry = index_record(501, offset, stores.EPOCH + 501_000_000, size)

    def plant(store: Path) -> None:
        content = bytearray((store / IDX).read_bytes())
        content[index_offset(500) : index_offset(501)] = entry
        (store / IDX).write_bytes(content)

    return plant


def replace_second(first: int) -> Plant:
    """Replace the second slice by one that begins with another sequence than the one due."""
    return lambda store: slice_of([b"r"] * 5, first).write(store / "orders", 2)


def another_message(store: Path) -> None:
    """A record in the middle that is intact, but is another message."""
    content = bytearray((store / DAT).read_bytes())
    other = stores.record(stores.message(502, MANY[500]))
    content[MIDDLE : MIDDLE + len(other)] = other
    (store / DAT).write_bytes(content)


END_AS_CLIENT = append("clients.dat", stores.record(stores.data(1, b"client"), 1))
MESSAGE_AS_END = append(SUBS, stores.record(stores.update(1, 7), 3))
END_AS_SUBSCRIPTION = append(SUBS, stores.record(stores.number(1, 1), 1))
END_AS_MESSAGE = append(SUBS, stores.record(stores.number(1, 1), 5))
UNKNOWN_TYPE = append("clients.dat", stores.record(b"\x0a\x01a", 9))
NO_SUBSCRIPTION = append(SUBS, stores.record(b"\xff", 1))
LOOSE, SERVER, CLIENTS = "orders/msgs.old.dat", "server.dat", "clients.dat"

PLANTED: list[tuple[str, Plant, Kind, str, int | None, Start]] = [
    ("a byte of a message in mid-slice", flip(DAT, MIDDLE + 40), Kind.MESSAGE_DAMAGED, DAT, MIDDLE, SILENT),
    ("its checksum", flip(DAT, MIDDLE + 5), Kind.MESSAGE_DAMAGED, DAT, MIDDLE, SILENT),
    ("its size", flip(DAT, MIDDLE), Kind.HEAD_DAMAGED, DAT, MIDDLE, SILENT),
    ("a byte of the last message", flip(DAT, LAST + 40), Kind.MESSAGE_DAMAGED, DAT, LAST, REFUSED),
    ("messages cut short", cut(DAT, LAST + 20), Kind.TRUNCATED, DAT, LAST, REFUSED),
    ("messages cut off", cut(DAT, MIDDLE), Kind.MESSAGES_MISSING, DAT, MIDDLE, REPAIRED),
    ("a head cut short", cut(DAT, LAST + 3), Kind.TRUNCATED, DAT, LAST, REFUSED),
    ("zeros behind the messages", append(DAT, bytes(64)), Kind.ZERO_TAIL, DAT, None, REPAIRED),
    ("an index entry", flip(IDX, ENTRY + 9), Kind.INDEX_DAMAGED, IDX, ENTRY, REPAIRED),
    ("an index cut short", cut(IDX, ENTRY + 7), Kind.INDEX_DAMAGED, IDX, ENTRY, REPAIRED),
    ("an index that ends early", cut(IDX, ENTRY), Kind.INDEX_SHORT, DAT, MIDDLE, SILENT),
    ("an index entry that points elsewhere", wrong_entry(9), Kind.INDEX_MISMATCH, IDX, ENTRY, SILENT),
    ("zeros behind the index", append(IDX, bytes(64)), Kind.ZERO_TAIL, IDX, index_offset(1000), REPAIRED),
    ("a record of another sequence", another_message, Kind.INDEX_MISMATCH, IDX, ENTRY, SILENT),
    ("an index without messages", remove(DAT2), Kind.INDEX_ORPHAN, IDX2, None, SILENT),
    ("no index", remove(IDX), Kind.INDEX_MISSING, DAT, 0, REPAIRED),
    ("a missing slice", replace_second(1101), Kind.SEQUENCE_GAP, DAT2, 4, SILENT),
    ("a slice twice", copy(DAT, "orders/msgs.3.dat"), Kind.SEQUENCE_OVERLAP, "orders/msgs.3.dat", 4, SILENT),
    ("another version of messages", write(DAT, b"\x02\0\0\0"), Kind.VERSION, DAT, 0, REFUSED),
    ("another version of an index", flip(IDX, 3), Kind.VERSION, IDX, 0, REFUSED),
    ("an empty file", write(CLIENTS, b""), Kind.VERSION, CLIENTS, 0, REFUSED),
    ("another version of the server's file", flip(SERVER, 0), Kind.VERSION, SERVER, 0, REFUSED),
    ("the server's record", flip(SERVER, 15), Kind.RECORD_DAMAGED, SERVER, 4, REFUSED),
    ("more behind the server's record", append(SERVER, b"x"), Kind.SERVER_FILE_SIZE, SERVER, 4, REFUSED),
    ("the server's record cut short", cut(SERVER, 14), Kind.TRUNCATED, SERVER, 4, REFUSED),
    ("no server's file", remove(SERVER), Kind.SERVER_FILE_MISSING, SERVER, None, REPAIRED),
    ("a client", flip(CLIENTS, 14), Kind.RECORD_DAMAGED, CLIENTS, 4, REFUSED),
    ("a client of no type", UNKNOWN_TYPE, Kind.RECORD_TYPE, CLIENTS, None, REFUSED),
    ("clients cut short", append(CLIENTS, b"\x05\0\0"), Kind.TRUNCATED, CLIENTS, None, REFUSED),
    ("a client's end as a client", END_AS_CLIENT, Kind.RECORD_MISFIT, CLIENTS, None, SILENT),
    ("a message sent as an end", MESSAGE_AS_END, Kind.RECORD_MISFIT, SUBS, None, SILENT),
    ("an end as a subscription", END_AS_SUBSCRIPTION, Kind.RECORD_MISFIT, SUBS, None, SILENT),
    ("an end as a message sent", END_AS_MESSAGE, Kind.RECORD_MISFIT, SUBS, None, SILENT),
    ("a subscription that is none", NO_SUBSCRIPTION, Kind.UNDECODABLE, SUBS, None, REFUSED),
    ("an acknowledgement", flip(SUBS, 1200), Kind.RECORD_DAMAGED, SUBS, None, REFUSED),
    ("zeros behind subscriptions", append(SUBS, bytes(16)), Kind.ZERO_TAIL, SUBS, None, REPAIRED),
    ("a folder that is no channel", folder("lost+found"), Kind.FOREIGN_FOLDER, "lost+found", None, REPAIRED),
    ("messages without a number", write(LOOSE, b"x"), Kind.FOREIGN_NAME, LOOSE, None, REFUSED),
]
