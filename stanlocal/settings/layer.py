"""A layer of settings: values, their origin, and how far it is trusted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any, Literal

Key = tuple[str, ...]
"""Path of a value in the tree of settings: `("streaming", "store_limits", "max_age")`."""

ENVIRONMENT_PREFIX = "STANLOCAL_"
LEVEL = "__"
"""Separator of the levels of a setting's name in the environment."""


_ROOT = PurePath("/")
_KEY_PART = re.compile(r'[A-Za-z0-9_-]+|"(?:[^"\\]|\\["\\])+"')
_ESCAPED = re.compile(r'\\(["\\])')


def dotted(key: Key) -> str:
    """Return the key in TOML's notation: `streaming.store_limits.channels."foo.>".max_age`."""
    return ".".join(
        part if part.replace("_", "").replace("-", "").isalnum() and part.isascii() else _quoted(part)
        for part in key
    )


def parsed_key(text: str) -> Key | None:
    """Return the key that `dotted` writes as `text`; None if it is none."""
    parts = _KEY_PART.findall(text)
    if not parts or ".".join(parts) != text:
        return None
    return tuple(_ESCAPED.sub(r"\1", part[1:-1]) if part.startswith('"') else part for part in parts)


def _quoted(part: str) -> str:
    escaped = part.replace("\\", "\\\\").replace('"', '\\"')
    shown = (char if char.isprintable() else f"\\u{ord(char):04x}" for char in escaped)
    return f'"{"".join(shown)}"'


def leaves(values: Mapping[str, Any], at: Key = ()) -> Iterator[tuple[Key, Any]]:
    """Yield every value that is not a table, with its key."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from leaves(value, (*at, name))
        else:
            yield (*at, name), value


def value_at(tree: Any, name: str) -> Any:
    """Return the value with this dotted name in a tree of settings; None where there is none."""
    for part in name.split("."):
        tree = tree.get(part) if isinstance(tree, Mapping) else None
    return tree


def variable(key: Key) -> str:
    """Return the environment variable that sets the key."""
    return ENVIRONMENT_PREFIX + LEVEL.join(key).upper()


@dataclass(frozen=True)
class Layer:
    """Unchecked values of one origin; in a list the earlier layer takes precedence."""

    origin: Literal["flag", "environment", "import", "file", "running", "preset", "default"]
    values: Mapping[str, Any] = field(repr=False)
    """Values, secrets included."""
    base: PurePath = _ROOT
    """Folder that relative paths start from."""
    home: PurePath | None = None
    """Folder that `~` at the beginning of a path stands for."""
    file: Path | None = None
    """Path of the file, where the origin is one."""
    may_execute: bool = True
    """True if the layer may set options that run something: a file must be named for that."""
    found: bool = False
    """True for a file that was found, not named: options that reach outside the group are refused."""
    name: str = ""
    """Name of the preset, where the origin is one."""
    places: Mapping[str, str] = field(default_factory=dict)
    """Place of each value in an imported file, by dotted name: `stan.conf:12:5`."""

    @property
    def text(self) -> bool:
        """True if all values are strings, to be converted to the option's kind."""
        return self.origin == "environment"

    def source(self, key: Key) -> str:
        """Describe the origin of a value of this layer."""
        match self.origin:
            case "flag" if len(key) == 1:
                return f"flag --{key[0].replace('_', '-')}"
            case "flag":
                return f"argument {dotted(key)}"
            case "environment":
                return f"environment {variable(key)}"
            case "import":
                return self.places.get(dotted(key), str(self.file))
            case "file":
                return str(self.file)
            case "running":
                return "the running group"
            case "preset":
                return f"preset {self.name}"
            case "default":
                return "default"

    def place(self, key: Key) -> str:
        """Return the beginning of a message about a value of this layer."""
        source = self.source(key)
        return source if self.origin in ("flag", "environment") else f"{source}: {dotted(key)}"
