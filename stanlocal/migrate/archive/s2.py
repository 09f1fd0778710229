"""A decoder of S2 streams, as the server compresses its snapshots. Pure.

S2 is snappy's framing format with one more instruction, a copy from the last distance; cramjam reads only
what snappy itself writes (github.com/klauspost/compress, s2/README.md and s2/decode_other.go). Made for the
beginning of a snapshot, not for gigabytes.
"""

from __future__ import annotations

from collections.abc import Iterator

_COMPRESSED, _UNCOMPRESSED, _IDENTIFIER = 0x00, 0x01, 0xFF
_FIRST_SKIPPABLE = 0x80
_CRC_BYTES = 4
_LARGEST = 4 << 20
"""Bytes of the largest block that a stream may have."""
_REPEAT = {5: (1, 8), 6: (2, 4 + (1 << 8)), 7: (3, 4 + (1 << 16))}
"""Bytes that follow, and what is added to them, by the length field of a repeated copy."""


class Decoder:
    """Takes a stream in pieces and gives back what it holds."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Yield the content of each frame that is complete now. Raises `ValueError` for what is no S2."""
        self._held += piece
        while len(self._held) >= 4:
            kind, size = self._held[0], int.from_bytes(self._held[1:4], "little")
            if len(self._held) < 4 + size:
                return
            body = bytes(self._held[4 : 4 + size])
            del self._held[: 4 + size]
            if kind == _COMPRESSED:
                yield decode_block(body[_CRC_BYTES:])
            elif kind == _UNCOMPRESSED:
                yield body[_CRC_BYTES:]
            elif kind < _FIRST_SKIPPABLE:
                raise ValueError(f"a frame of unknown kind {kind}")


def decode_block(block: bytes) -> bytes:
    """Decode one block; raises `ValueError` for a damaged one."""
    try:
        return _decode(block)
    except IndexError:
        raise ValueError("a block that breaks off") from None


def _decode(block: bytes) -> bytes:
    size, at = _length(block)
    out = bytearray()
    distance = 0
    while at < len(block):
        tag = block[at]
        at += 1
        match tag & 3:
            case 0:
                length, at = _literal(block, tag >> 2, at)
                if at + length > len(block):
                    raise ValueError("a literal that breaks off")
                out += block[at : at + length]
                at += length
                continue
            case 1:
                far = (tag & 0xE0) << 3 | block[at]
                at += 1
                length = (tag >> 2 & 7) + 4
                if far:
                    distance = far
                elif (tag >> 2 & 7) in _REPEAT:
                    width, more = _REPEAT[tag >> 2 & 7]
                    length = int.from_bytes(block[at : at + width], "little") + more
                    at += width
            case kind:
                width = 2 if kind == 2 else 4
                distance = int.from_bytes(block[at : at + width], "little")
                at += width
                length = (tag >> 2) + 1
        if not 0 < distance <= len(out) or len(out) + length > size:
            raise ValueError("a copy from outside of its block")
        if distance >= length:
            begin = len(out) - distance
            out += out[begin : begin + length]
        else:
            run = bytes(out[-distance:])
            out += (run * (length // distance + 1))[:length]
    if len(out) != size:
        raise ValueError(f"a block of {len(out)} bytes that says {size}")
    return bytes(out)


def _length(block: bytes) -> tuple[int, int]:
    """Return the size of the content, and where the instructions begin."""
    size = 0
    for place in range(5):
        size |= (block[place] & 0x7F) << 7 * place
        if block[place] < 0x80:
            if size > _LARGEST:
                break
            return size, place + 1
    raise ValueError("a block that is too large")


def _literal(block: bytes, field: int, at: int) -> tuple[int, int]:
    if field < 60:
        return field + 1, at
    width = field - 59
    return int.from_bytes(block[at : at + width], "little") + 1, at + width
