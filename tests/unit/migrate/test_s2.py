"""The decoder of S2, against snappy's own encoder, by hand, and against bytes that are no S2."""

from __future__ import annotations

import pytest
from cramjam import snappy
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.migrate.archive.s2 import Decoder, decode_block

REPETITIVE = st.lists(st.sampled_from([b"abc", b"orders", b"\0" * 70, b"x"]), max_size=300).map(b"".join)


@given(st.binary(max_size=2000) | REPETITIVE)
def test_a_snappy_block_is_decoded(content: bytes) -> None:
    assert decode_block(bytes(snappy.compress_raw(content))) == content


@given(REPETITIVE, st.integers(1, 50))
def test_a_framed_stream_is_decoded_in_pieces_of_any_size(content: bytes, size: int) -> None:
    framed = bytes(snappy.compress(content))
    decoder = Decoder()
    pieces = [framed[at : at + size] for at in range(0, len(framed), size)]
    assert b"".join(part for piece in pieces for part in decoder.feed(piece)) == content


@pytest.mark.parametrize(
    ("instructions", "content"),
    [
        # "abcd", 4 bytes from 4 back, then 8, 12, 260 and 65,540 or more from as far back
        (b"\x0cabcd" + b"\x01\x04" + b"\x01\x00", b"abcd" * 3),
        (b"\x0cabcd" + b"\x01\x04" + b"\x11\x00", b"abcd" * 2 + b"abcdabcd"),
        (b"\x0cabcd" + b"\x01\x04" + b"\x15\x00\x00", b"abcd" * 2 + b"abcdabcd"),
        (b"\x0cabcd" + b"\x01\x04" + b"\x15\x00\x04", b"abcd" * 2 + b"abcd" * 3),
        (b"\x0cabcd" + b"\x01\x04" + b"\x19\x00\x00\x00", b"abcd" * 2 + b"abcd" * 65),
        (b"\x0cabcd" + b"\x01\x04" + b"\x1d\x00\x00\x00\x00", b"abcd" * 2 + b"abcd" * 16_385),
    ],
)
def test_a_copy_from_the_last_distance_is_what_s2_adds(instructions: bytes, content: bytes) -> None:
    size = len(content)
    length = bytearray()
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    assert decode_block(bytes([*length, size]) + instructions) == content


@given(st.binary(max_size=60))
def test_other_bytes_are_refused_or_decoded_within_their_size(block: bytes) -> None:
    try:
        decode_block(block)
    except ValueError:
        return


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"\x05\x0cabcd",  # says five bytes, has four
        b"\x08\x0cabcd\x01\x05",  # from before its beginning
        b"\xff\xff\xff\xff\x0f\x00a",  # 4 GiB
        b"\x04\x0cab",
    ],
)
def test_a_damaged_block_is_refused(block: bytes) -> None:
    with pytest.raises(ValueError, match=r"block|literal|copy"):
        decode_block(block)
