"""Protobuf's wire format, read by hand: what the store's records need does not need a runtime. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

Value: TypeAlias = int | bytes
"""An integer for varints, the bytes of everything else."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def fields(message: bytes) -> Iterator[tuple[int, Value]]:
    """Each field's number and value, in the order written; `ValueError` for what is no message."""
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
    """An integer and where it ends; `ValueError` where there is none."""
    value = 0
    for place, byte in enumerate(message[at : at + 10]):
        value |= (byte & 0x7F) << (7 * place)
        if not byte & 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at + place + 1
    raise ValueError("cut short")


def whole(value: Value) -> int:
    """The integer that a field must be; `ValueError` when it is none."""
    if isinstance(value, int):
        return value
    raise ValueError("a number expected")


def text(value: Value) -> str:
    """The text that a field must be; `ValueError` when it is none."""
    if isinstance(value, bytes):
        return value.decode()
    raise ValueError("a text expected")


def blob(value: Value) -> bytes:
    """The bytes that a field must be; `ValueError` when it is none."""
    if isinstance(value, bytes):
        return value
    raise ValueError("bytes expected")
