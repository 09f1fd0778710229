"""Command lines of stanlocal that people are shown, for one group. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

DEFAULT_GROUP = "stan"


@dataclass(frozen=True, slots=True)
class Command:
    """A command line, which names the group unless it is the default one."""

    group: str
    words: Sequence[str]

    def __str__(self) -> str:
        named = [] if self.group == DEFAULT_GROUP else ["--group", self.group]
        return shlex.join(["stanlocal", *named, *self.words])
