"""A layer of settings: some values, where they came from, and how far that place is trusted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any, Literal

Key = tuple[str, ...]
"""Where a value is in the tree of settings: `("streaming", "store_limits", "max_age")`."""

ENVIRONMENT_PREFIX = "STANLOCAL_"
LEVEL = "__"
"""Between the levels of a setting's name in the environment."""


_ROOT = PurePath("/")


def dotted(key: Key) -> str:
    """The key as TOML spells it: `streaming.store_limits.channels."foo.>".max_age`."""
    return ".".join(
        part if part.replace("_", "").replace("-", "").isalnum() and part.isascii() else _quoted(part)
        for part in key
    )


def _quoted(part: str) -> str:
    escaped = part.replace("\\", "\\\\").replace('"', '\\"')
    shown = (char if char.isprintable() else f"\\u{ord(char):04x}" for char in escaped)
    return f'"{"".join(shown)}"'


def leaves(values: Mapping[str, Any], at: Key = ()) -> Iterator[tuple[Key, Any]]:
    """Every value below the tables, with its key."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from leaves(value, (*at, name))
        else:
            yield (*at, name), value


def variable(key: Key) -> str:
    """The environment variable that sets the key."""
    return ENVIRONMENT_PREFIX + LEVEL.join(key).upper()


@dataclass(frozen=True)
class Layer:
    """Values of one origin, not looked at yet; a later layer in a list gives way to an earlier one."""

    origin: Literal["flag", "environment", "import", "file", "running", "preset", "default"]
    values: Mapping[str, Any] = field(repr=False)
    """Secrets included."""
    base: PurePath = _ROOT
    """The folder that relative paths start from."""
    home: PurePath | None = None
    """What `~` at the beginning of a path stands for."""
    file: Path | None = None
    """The file, where the origin is one."""
    may_execute: bool = True
    """Whether it may set what makes something run: not so for a file that was found and not named."""
    found: bool = False
    """Whether it is a file that was found and not named: it counts only for what stays within the group."""
    name: str = ""
    """The preset's name, where the origin is one."""
    places: Mapping[str, str] = field(default_factory=dict)
    """Where in the file each value is, by dotted name: `stan.conf:12:5`; for an imported file."""

    @property
    def text(self) -> bool:
        """Whether all values are strings, to be read as what the option is."""
        return self.origin == "environment"

    def source(self, key: Key) -> str:
        """Where a value of this layer came from, for people."""
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
        """How a problem with a value of this layer begins."""
        source = self.source(key)
        return source if self.origin in ("flag", "environment") else f"{source}: {dotted(key)}"
