"""Packs: complete or not at all, refused or salvaged where the store is damaged, and read back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cramjam import snappy

from stanlocal.errors import OutputError, StoreRefused
from stanlocal.migrate.archive.entries import END, MAGIC
from stanlocal.migrate.inventory import take_inventory
from stanlocal.migrate.pack import Packed, pack
from stanlocal.migrate.pack_folder import DATA, MANIFEST, META, read_pack
from stanlocal.migrate.plan import make_plan
from stanlocal.store.format.encryption import StoreKey
from stanlocal.store.format.wire import varint
from tests.support.stores import Slice, encrypted, index_offset, make_store, slice_of, subscription, update


def _pack(store: Path, folder: Path, *, salvage: bool = False) -> Packed:
    return pack(make_plan(take_inventory(store)), folder, salvage=salvage)


def _entries(file: Path) -> list[tuple[str, int, bytes]]:
    """Name, sequence and data of each entry of an archive."""
    content = bytes(snappy.decompress(file.read_bytes()))
    assert content[: len(MAGIC)] == MAGIC
    found, at = [], len(MAGIC)
    while at < len(content):
        numbers = []
        for _ in range(5):
            value, at = varint(content, at)
            numbers.append(value)
        name_size, _, sequence, headers, size = numbers
        name = content[at : at + name_size].decode()
        at += name_size + headers + size
        found.append((name, sequence, content[at - size : at]))
    return found


@pytest.fixture
def store(tmp_path: Path) -> Path:
    subs = [(1, subscription(1, "dur")), (5, update(1, 7)), (5, update(1, 8)), (4, update(1, 8))]
    return make_store(tmp_path / "store", [slice_of([b"one", b"", b"three"], first=7)], subs=subs)


def test_a_pack_holds_state_consumers_messages_and_its_end(store: Path, tmp_path: Path) -> None:
    packed = _pack(store, tmp_path / "pack")
    entries = _entries(tmp_path / "pack" / "orders" / DATA)
    assert [(name, sequence) for name, sequence, _ in entries] == [
        ("state.json", 0),
        ("consumers/client_dur", 0),
        *(("orders", sequence) for sequence in (7, 8, 9)),
        ("", 0),
    ]
    assert [data for _, _, data in entries[2:5]] == [b"one", b"", b"three"]
    state = json.loads(entries[0][2])
    assert (state["messages"], state["first_seq"], state["last_seq"], state["consumer_count"]) == (3, 7, 9, 1)
    assert state["bytes"] == 3 * (30 + len("orders")) + len(b"onethree")
    consumer = json.loads(entries[1][2])
    assert consumer["state"]["ack_floor"]["stream_seq"] == 6
    assert [*consumer["state"]["pending"]] == ["7"]
    assert packed.document()["streams"][0]["messages"] == 3
    assert json.loads((tmp_path / "pack" / "orders" / META).read_text())["state"] == state


def test_a_pack_is_read_back(store: Path, tmp_path: Path) -> None:
    _pack(store, tmp_path / "pack")
    [stream] = read_pack(tmp_path / "pack").streams
    assert (stream.name, stream.state["messages"], stream.largest) == ("orders", 3, 5)


def test_only_the_caller_may_read_it(store: Path, tmp_path: Path) -> None:
    _pack(store, tmp_path / "pack")
    assert (tmp_path / "pack").stat().st_mode & 0o077 == 0


def test_a_damaged_store_is_refused_and_nothing_is_left(store: Path, tmp_path: Path) -> None:
    _damage(store)
    with pytest.raises(StoreRefused, match=r"orders/msgs\.1\.dat is damaged at .*--salvage"):
        _pack(store, tmp_path / "pack")
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_a_damaged_store_is_salvaged_and_each_lost_record_named(store: Path, tmp_path: Path) -> None:
    _damage(store)
    packed = _pack(store, tmp_path / "pack", salvage=True)
    assert [(loss.channel, loss.file) for loss in packed.lost] == [("orders", "orders/msgs.1.dat")]
    sequences = [sequence for _, sequence, _ in _entries(tmp_path / "pack" / "orders" / DATA) if sequence]
    assert sequences == [7, 8]
    state = json.loads((tmp_path / "pack" / "orders" / META).read_text())["state"]
    assert (state["messages"], state["last_seq"]) == (2, 9)  # the next message gets the sequence 10


@pytest.fixture
def two_slices(tmp_path: Path) -> Path:
    return make_store(
        tmp_path / "store", [slice_of([b"a", b"b", b"c"]), slice_of([b"d", b"e"], first=4)], channel="orders"
    )


def test_a_copy_without_the_messages_of_an_index_is_refused_or_the_loss_named(
    two_slices: Path, tmp_path: Path
) -> None:
    (two_slices / "orders" / "msgs.1.dat").unlink()
    with pytest.raises(StoreRefused, match=r"orders/msgs\.1\.idx is damaged at 0: msgs\.1\.dat.* is missing"):
        _pack(two_slices, tmp_path / "pack")
    packed = _pack(two_slices, tmp_path / "pack", salvage=True)
    assert [(loss.channel, loss.file) for loss in packed.lost] == [("orders", "orders/msgs.1.idx")]


def test_what_an_index_leaves_out_is_refused_or_packed_and_named(two_slices: Path, tmp_path: Path) -> None:
    entries = two_slices / "orders" / "msgs.1.idx"
    content = bytearray(entries.read_bytes())
    del content[index_offset(1) : index_offset(2)]
    entries.write_bytes(content)
    with pytest.raises(StoreRefused, match=r"orders/msgs\.1\.dat is damaged .*the index has sequence 3 at"):
        _pack(two_slices, tmp_path / "pack")
    packed = _pack(two_slices, tmp_path / "pack", salvage=True)
    assert [loss.file for loss in packed.lost] == ["orders/msgs.1.dat"]
    found = _entries(tmp_path / "pack" / "orders" / DATA)
    assert [data for _, sequence, data in found if sequence] == [b"a", b"b", b"c", b"d", b"e"]


def _damage(store: Path) -> None:
    """Change the data of the last message."""
    file = store / "orders" / "msgs.1.dat"
    content = bytearray(file.read_bytes())
    content[content.rindex(b"three")] ^= 1
    file.write_bytes(content)


def test_an_encrypted_store_is_packed_with_its_key_only(tmp_path: Path) -> None:
    key = StoreKey.of("secret")
    store = make_store(tmp_path / "store", [slice_of(encrypted("secret", "orders", b"one", b"two"))])
    with pytest.raises(StoreRefused, match=r"look encrypted .* '--key-file'"):
        _pack(store, tmp_path / "pack")
    with pytest.raises(StoreRefused, match="cannot be decrypted"):
        pack(make_plan(take_inventory(store, key=StoreKey.of("other"))), tmp_path / "pack")
    pack(make_plan(take_inventory(store, key=key)), tmp_path / "pack")
    entries = _entries(tmp_path / "pack" / "orders" / DATA)
    assert [data for _, sequence, data in entries if sequence] == [b"one", b"two"]


def test_sequences_that_come_twice_are_found_where_as_many_are_missing(store: Path, tmp_path: Path) -> None:
    hidden = Slice()
    for sequence in (1, 2, 3, 2, 5):
        hidden.add(sequence, b"x")
    store = make_store(tmp_path / "other", [hidden])
    with pytest.raises(StoreRefused, match="orders: two servers wrote into it at the same time"):
        _pack(store, tmp_path / "pack")
    packed = _pack(store, tmp_path / "pack", salvage=True)
    assert [each["messages"] for each in packed.streams] == [4, 1]


def test_damaged_positions_are_refused_or_named(store: Path, tmp_path: Path) -> None:
    file = store / "orders" / "subs.dat"
    content = bytearray(file.read_bytes())
    content[content.rindex(b"\x10\x08")] ^= 1
    file.write_bytes(content)
    with pytest.raises(StoreRefused, match=r"orders/subs\.dat is damaged at .*--salvage"):
        _pack(store, tmp_path / "pack")
    packed = _pack(store, tmp_path / "pack", salvage=True)
    assert [(loss.channel, loss.file) for loss in packed.lost] == [("orders", "orders/subs.dat")]


def test_a_folder_that_is_there_is_never_replaced(store: Path, tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    with pytest.raises(OutputError, match="exists already"):
        _pack(store, tmp_path / "pack")


def test_a_folder_that_cannot_be_written_is_one_line(store: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        _pack(store, tmp_path / "file" / "pack")


def test_a_killed_pack_leaves_no_folder_and_the_next_one_is_whole(store: Path, tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; import stanlocal.migrate.pack as p;"
        "from stanlocal.migrate.inventory import take_inventory;"
        "from stanlocal.migrate.plan import make_plan;"
        "p.pack(make_plan(take_inventory(Path(sys.argv[1]))), Path(sys.argv[2]),"
        " progress=lambda done, total: os.kill(os.getpid(), signal.SIGKILL))"
    )
    killed = subprocess.run(
        [sys.executable, "-c", code, store, tmp_path / "pack"], check=False, env=os.environ
    )
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "pack").exists()
    _pack(store, tmp_path / "pack")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pack", "store"]


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        (MANIFEST, None, "cannot be read"),
        (MANIFEST, "[]", "no JSON object"),
        (MANIFEST, "{}", "another version"),
        (
            MANIFEST,
            '{"stanlocal_pack": 1, "streams": [{"stream": "../x", "largest": 1, "consumers": {}}]}',
            "cannot be",
        ),
        (MANIFEST, '{"stanlocal_pack": 1, "streams": [5]}', "cannot be"),
        (
            MANIFEST,
            '{"stanlocal_pack": 1, "streams": [{"stream": "x", "largest": 1, "consumers": {"a": 1}}]}',
            "cannot be",
        ),
        (f"orders/{META}", '{"config": {"name": "other"}, "state": {}}', "does not describe"),
        (f"orders/{META}", "{" * 10_000, "cannot be read"),
        (f"orders/{DATA}", None, "is missing"),
    ],
)
def test_a_folder_that_is_no_pack_is_refused(
    store: Path, tmp_path: Path, file: str, content: str | None, reason: str
) -> None:
    _pack(store, tmp_path / "pack")
    path = tmp_path / "pack" / file
    path.unlink()
    if content is not None:
        path.write_text(content)
    with pytest.raises(StoreRefused, match=f"is no pack .*{reason}"):
        read_pack(tmp_path / "pack")


def test_the_end_is_an_entry_of_zeros() -> None:
    assert bytes(5) == END
