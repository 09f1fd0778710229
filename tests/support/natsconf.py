"""Reader of the NATS configuration language, as far as `stanlocal.render.stan_conf` writes it.

Written from the grammar of nats-server 2.9.24 (conf/lex.go, conf/parse.go) and apart from the writer, so
that each can check the other.
"""

from __future__ import annotations

import re
from typing import Any

_SPACE = re.compile(r"(?:[\s:,]|#[^\r\n]*)*")
_KEY = re.compile(r"""
    "(?P<double>[^"\0]*)" | '(?P<single>[^'\0]*)' | (?P<bare>[A-Za-z_][A-Za-z0-9_]*)
    """, re.VERBOSE)  # fmt: skip
_STRING = re.compile(r'"((?:[^"\\\0]|\\x[0-9a-fA-F]{2}|\\[tnr"\\])*)"')
_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)", re.DOTALL)
_WORD = re.compile(r"[^\s:,;{}\[\]\"'#$]+(?=[\r\n])")
_NUMBER = re.compile(r"(-?[0-9]+)([kmgtpe]b)?")
_ESCAPED = {b"t": b"\t", b"n": b"\n", b"r": b"\r", b'"': b'"', b"\\": b"\\"}


def parse(text: str) -> dict[str, Any]:
    """The configuration as the server has it; `AssertionError` where it would not parse."""
    values, end = _map(text + "}", 0)
    assert end == len(text) + 1, f"more after the end: {text[end:]!r}"
    return values


def _map(text: str, at: int) -> tuple[dict[str, Any], int]:
    values: dict[str, Any] = {}
    while text[at := _skip(text, at)] != "}":
        match = _KEY.match(text, at)
        assert match is not None, f"no name at {text[at : at + 30]!r}"
        key = match[str(match.lastgroup)]
        assert key not in values, f"{key!r} is there twice"
        values[key], at = _value(text, _skip(text, match.end()))
    return values, at + 1


def _list(text: str, at: int) -> tuple[list[Any], int]:
    items = []
    while text[at := _skip(text, at)] != "]":
        item, at = _value(text, at)
        items.append(item)
    return items, at + 1


def _value(text: str, at: int) -> tuple[Any, int]:
    if text[at] == "{":
        return _map(text, at + 1)
    if text[at] == "[":
        return _list(text, at + 1)
    if string := _STRING.match(text, at):
        return _unescaped(string[1]), string.end()
    word = _WORD.match(text, at)
    assert word is not None, f"no value at {text[at : at + 30]!r}"
    return _plain(word[0]), word.end()


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    assert match is not None
    return match.end()


def _unescaped(text: str) -> str:
    def byte(match: re.Match[bytes]) -> bytes:
        code = match[1]
        return bytes.fromhex(code[1:].decode()) if code.startswith(b"x") else _ESCAPED[code]

    return _ESCAPE.sub(byte, text.encode()).decode()


def _plain(word: str) -> bool | int | float:
    if word in ("true", "false"):
        return word == "true"
    match = _NUMBER.fullmatch(word)
    if match is None:
        assert re.fullmatch(r"-?[0-9]+\.[0-9]+", word), f"{word!r} is neither true, false nor a number"
        return float(word)
    power = "kmgtpe".index(match[2][0]) + 1 if match[2] else 0
    return int(match[1]) * int(1024**power)
