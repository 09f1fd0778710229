"""Conversion of one value for one option, or the reason why it cannot be used."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stanlocal.settings.layer import Layer
from stanlocal.settings.schema import Kind, Option
from stanlocal.settings.secrets import without_logins
from stanlocal.settings.values import (
    format_duration,
    format_size,
    is_unicode,
    parse_duration,
    parse_size,
    spellable_key,
)
from stanlocal.util.integers import INT64_MAX

_TRUTH = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}
_WHOLE = re.compile(r"[-+]?[0-9]{1,19}")
_LONGEST_SHOWN = 60
_LONGEST_NUMBER = 10**30


def coerce(option: Option, value: object, layer: Layer) -> Any:
    """Return the value in its canonical form; raises `ValueError` whose message begins with a verb.

    In a layer of text (the environment) numbers and truth values are read from strings. Sizes become
    bytes, paths absolute, lists of strings lists; durations stay strings.
    """
    return _COERCE[option.kind](option, value, layer)


def called(value: object, *, secret: bool = False) -> str:
    """Name the kind of `value`, for a message about the kind expected."""
    if isinstance(value, (str, int, float)):
        return "what was given" if secret else shown(value)
    if isinstance(value, Mapping):
        return "a table"
    return "a list" if isinstance(value, Sequence) else f"a {type(value).__name__}"


def shown(value: object) -> str:
    """Return the value for messages: escaped, in TOML's notation, shortened, and without logins of URLs."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) > _LONGEST_NUMBER:
        return "a huge number"
    text = repr(without_logins(value) if isinstance(value, str) else value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _wrong(option: Option, value: object) -> ValueError:
    return ValueError(f"must be {option.kind.value}, not {called(value, secret=option.secret)}")


def _string(option: Option, value: object, layer: Layer) -> str:
    if not isinstance(value, str):
        raise _wrong(option, value)
    if not value:
        raise ValueError("is empty; give a text, or leave it out")
    if not is_unicode(value):
        raise ValueError("is not valid UTF-8")
    if option.check and (reason := option.check(value)):
        raise ValueError(reason if option.secret else f"is {shown(value)}, which {reason}")
    return value


def _choice(option: Option, value: object, layer: Layer) -> str:
    word = _string(option, value, layer).lower()
    if word not in option.choices:
        raise ValueError(f"is {shown(value)}, not {' or '.join(option.choices)}")
    return word


def _path(option: Option, value: object, layer: Layer) -> str:
    path = _string(option, os.fspath(value) if isinstance(value, os.PathLike) else value, layer)
    if "\0" in path:
        raise ValueError("is no path: it has a NUL character")
    if layer.home is not None and (path == "~" or path.startswith("~/")):
        path = str(layer.home / path[2:])
    return os.path.normpath(layer.base / path)


def _boolean(option: Option, value: object, layer: Layer) -> bool:
    if layer.text and isinstance(value, str):
        value = _TRUTH.get(value.lower(), value)
    if not isinstance(value, bool):
        raise _wrong(option, value)
    return value


def _integer(option: Option, value: object, layer: Layer) -> int:
    if layer.text and isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(option, value)
    return _in_range(option, value, value, str)


def _number(option: Option, value: object, layer: Layer) -> int | float:
    if layer.text and isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise _wrong(option, value) from None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise _wrong(option, value)
    if option.minimum is not None and value < option.minimum:
        raise ValueError(f"is {shown(value)}; give {option.minimum} or more")
    return value


def _size(option: Option, value: object, layer: Layer) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise _wrong(option, value)
    size = _parsed(parse_size, value) if isinstance(value, str) else value
    return _in_range(option, size, value, format_size)


def _duration(option: Option, value: object, layer: Layer) -> str:
    if value == 0 and not isinstance(value, bool):
        value = "0s"
    if not isinstance(value, str):
        raise ValueError(f"must be a duration such as '10s' or '1h30m', not {called(value)}")
    _in_range(option, _parsed(parse_duration, value), value, format_duration)
    return value.strip()


def _strings(option: Option, value: object, layer: Layer) -> list[str]:
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",")] if layer.text else [value]
    if not isinstance(value, Sequence) or not value:
        raise _wrong(option, value)
    for item in value:
        if not isinstance(item, str) or not is_unicode(item):
            raise ValueError(f"must be {option.kind.value}; {called(item)} is in it")
    return list(value)


def _structure(option: Option, value: object, layer: Layer) -> Any:
    if layer.text:
        raise ValueError("cannot be set by the environment; write it in stanlocal.toml")
    return _spellable(value)


def _spellable(value: object) -> Any:
    """Return a copy of `value`; raises `ValueError` if the server's configuration cannot spell it."""
    if isinstance(value, Mapping):
        for key in value:
            if not spellable_key(key):
                raise ValueError(f"has a name that the server's configuration cannot spell: {shown(key)}")
        return {key: _spellable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_spellable(item) for item in value]
    if isinstance(value, str) and is_unicode(value):
        return value
    if isinstance(value, (bool, int)) and abs(value) <= INT64_MAX:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise ValueError(f"has a value that the server's configuration cannot spell: a {type(value).__name__}")


def _parsed(parse: Callable[[str], int], text: str) -> int:
    try:
        return parse(text)
    except ValueError as reason:
        raise ValueError(f"is {shown(text)}, which {reason}") from None


def _in_range(option: Option, number: int, value: object, spelled: Callable[[int], str]) -> int:
    if number in option.also:
        return number
    least = -INT64_MAX if option.minimum is None else option.minimum
    most = INT64_MAX if option.maximum is None else option.maximum
    if least <= number <= most:
        return number
    if option.minimum is not None and option.maximum is not None:
        raise ValueError(f"is {shown(value)}; give {spelled(least)} to {spelled(most)}")
    limit = f"{spelled(least)} or more" if number < least else f"{spelled(most)} or less"
    raise ValueError(f"is {shown(value)}; give {limit}")


_COERCE: Mapping[Kind, Callable[[Option, object, Layer], Any]] = {
    Kind.STRING: _string,
    Kind.CHOICE: _choice,
    Kind.PATH: _path,
    Kind.BOOLEAN: _boolean,
    Kind.INTEGER: _integer,
    Kind.NUMBER: _number,
    Kind.SIZE: _size,
    Kind.DURATION: _duration,
    Kind.STRINGS: _strings,
    Kind.STRUCTURE: _structure,
}
