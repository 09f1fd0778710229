"""Bytes read of a slice when only some of its messages are asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from stanlocal.store.format.message import StoredMessage
from stanlocal.store.format.slices import Window
from stanlocal.store.inspect.dump import dump
from tests.support.stores import make_store, slice_of

PAYLOADS = [b"payload"] * 10


def _sequences(store: Path, window: Window) -> list[int | str]:
    return [
        found.sequence if isinstance(found, StoredMessage) else found.kind.value
        for found in dump(store, "orders", window)
    ]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Two slices of ten messages, and one message damaged in the first."""
    first, second = slice_of(PAYLOADS), slice_of(PAYLOADS, first=11)
    first.data[first.offsets[4] + 12] ^= 0xFF
    return make_store(tmp_path / "store", [first, second])


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (Window(15, 17), [15, 16, 17]),
        (Window(9, 12), [9, 10, 11, 12]),
        (Window(21, 30), []),
        (Window(1, 6), [1, 2, 3, 4, "message-damaged", 6]),
    ],
)
def test_messages_before_the_window_are_not_read(
    store: Path, window: Window, expected: list[int | str]
) -> None:
    """Nor is it reported, when it is damaged."""
    assert _sequences(store, window) == expected


def test_unindexed_messages_are_found_behind_the_last_entry(tmp_path: Path) -> None:
    whole = slice_of(PAYLOADS)
    del whole.index[-64:]
    store = make_store(tmp_path / "store", [whole])
    assert _sequences(store, Window(9, 20)) == [9, 10]


def test_without_an_index_entry_all_is_read(tmp_path: Path) -> None:
    whole = slice_of(PAYLOADS)
    del whole.index[4:]
    store = make_store(tmp_path / "store", [whole])
    assert _sequences(store, Window(10, 20)) == [10]
