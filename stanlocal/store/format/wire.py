"""Protobuf's wire format, decoded without a runtime, as far as the store's records need it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

Value: TypeAlias = int | bytes
"""Value of a field: an integer for varints, bytes for everything else."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def fields(message: bytes) -> Iterator[tuple[int, Value]]:
    """Yield each field's number and value, in the order written; raises `ValueError` for malformed bytes."""
    at, end = 0, len(message)
    while at < end:
        key, at = varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = varint(message, at)
            yield number, value
            continue
        if kind == _BYTES:
            length, at = varint(message, at)
        elif kind in (_FIXED32, _FIXED64):
            length = 4 if kind == _FIXED32 else 8
        else:
            raise ValueError(f"no such wire type: {kind}")
        if at + length > end:
            raise ValueError("cut short")
        yield number, message[at : at + length]
        at += length


def varint(message: bytes, at: int) -> tuple[int, int]:
    """Decode an integer; return it and its end. Raises `ValueError` where there is none."""
    value = 0
    for place, byte in enumerate(message[at : at + 10]):
        value |= (byte & 0x7F) << (7 * place)
        if not byte & 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at + place + 1
    raise ValueError("cut short")


def whole(value: Value) -> int:
    """Return the field's integer; raises `ValueError` for any other value."""
    if isinstance(value, int):
        return value
    raise ValueError("a number expected")


def text(value: Value) -> str:
    """Return the field's text; raises `ValueError` for any other value."""
    if isinstance(value, bytes):
        return value.decode()
    raise ValueError("a text expected")


def blob(value: Value) -> bytes:
    """Return the field's bytes; raises `ValueError` for any other value."""
    if isinstance(value, bytes):
        return value
    raise ValueError("bytes expected")
