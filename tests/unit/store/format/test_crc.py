"""Checksums of many records at once say what a checksum of each would say."""

from __future__ import annotations

import zlib

from hypothesis import given
from hypothesis import strategies as st

from stanlocal.store.format.crc import (
    INDEX_BYTES,
    RESET,
    RESIDUE,
    index_intact,
    index_record_intact,
    run_intact,
)
from tests.support.stores import index_record, record

payload_runs = st.integers(0, 40).flatmap(
    lambda size: st.lists(st.binary(min_size=size, max_size=size), min_size=1, max_size=40)
)


def test_a_checksum_behind_its_bytes_leaves_one_residue_and_the_reset_takes_it_back() -> None:
    for payload in (b"", b"a", b"anything else"):
        assert zlib.crc32(payload + zlib.crc32(payload).to_bytes(4, "little")) == RESIDUE
    assert zlib.crc32(RESET, RESIDUE) == zlib.crc32(b"")


@given(payload_runs, st.binary(max_size=9))
def test_a_sound_run_is_intact_wherever_in_the_buffer_it_is(payloads: list[bytes], before: bytes) -> None:
    run = b"".join(map(record, payloads))
    buffer = bytearray(before + run + b"behind")
    assert run_intact(buffer, len(before), len(before) + len(run), len(payloads[0]))


@given(payload_runs, st.data())
def test_a_run_with_any_changed_byte_of_payload_or_checksum_is_not(
    payloads: list[bytes], data: st.DataObject
) -> None:
    run = bytearray(b"".join(map(record, payloads)))
    step = 8 + len(payloads[0])
    at = data.draw(st.integers(0, len(payloads) - 1)) * step + data.draw(st.integers(4, step - 1))
    run[at] ^= data.draw(st.integers(1, 255))
    assert not run_intact(run, 0, len(run), len(payloads[0]))


def test_zeroed_pages_do_not_cancel_each_other_out() -> None:
    run = bytearray(b"".join(record(bytes([i % 251]) * 24) for i in range(512)))
    run[4096:8192] = bytes(4096)
    assert not run_intact(run, 0, len(run), 24)
    entries = bytearray(b"".join(index_record(i + 1, 4 + 40 * i, i, 32) for i in range(512)))
    entries[4096:12288] = bytes(8192)
    assert not index_intact(bytes(entries))


@given(st.lists(st.integers(1, 1 << 40), min_size=1, max_size=40), st.data())
def test_an_index_is_intact_until_one_byte_of_it_changes(sequences: list[int], data: st.DataObject) -> None:
    entries = bytearray(b"".join(index_record(seq, 4, seq, 9) for seq in sequences))
    assert index_intact(bytes(entries))
    at = data.draw(st.integers(0, len(entries) - 1))
    entries[at] ^= data.draw(st.integers(1, 255))
    assert not index_intact(bytes(entries))
    begin = at // INDEX_BYTES * INDEX_BYTES
    assert not index_record_intact(bytes(entries[begin : begin + INDEX_BYTES]))
