"""The commands that change something, each with what has to be there before and how long it takes."""

from __future__ import annotations

from dataclasses import dataclass

Words = tuple[str, ...]

UP: Words = ("up",)
_SNAPSHOT: Words = ("store", "snapshot", "one")
_ALL_STOPPED: Words = ("stop", "@all")
_LIMITED: Words = ("up", "--store-size", "32mb")
_PUB: Words = ("pub", "orders", "kept")


@dataclass(frozen=True, slots=True)
class Changing:
    """A command that changes something."""

    before: tuple[Words, ...]
    """Commands that prepare the group."""
    words: Words
    takes_s: float
    """Seconds that it takes on an idle machine, roughly."""

    def preparations(self, engine: str) -> tuple[Words, ...]:
        """Return the commands that prepare the group there: a process has a limit by itself."""
        return tuple(UP if words == _LIMITED and engine == "process" else words for words in self.before)

    def __str__(self) -> str:
        return " ".join(self.words)


CHANGING: tuple[Changing, ...] = (
    Changing((), UP, 3.5),
    Changing((UP,), ("up", "--nodes", "3"), 3.0),
    Changing((UP,), ("up", "--recreate"), 6.0),
    Changing((UP, ("kill", "@active")), UP, 3.0),
    Changing((UP, ("down",)), UP, 3.5),
    Changing((UP,), ("down",), 2.0),
    Changing((UP,), ("down", "--purge", "--yes"), 2.0),
    Changing((UP, ("stop", "1")), ("start", "1"), 1.0),
    Changing((UP,), ("stop", "@active"), 1.2),
    Changing((UP,), ("restart", "@active"), 1.6),
    Changing((UP,), ("kill", "@active"), 1.2),
    Changing((UP,), ("pause", "@active"), 1.2),
    Changing((UP, ("pause", "@active")), ("unpause", "@all"), 1.2),
    Changing((UP,), ("partition", "1"), 1.2),
    Changing((UP,), ("isolate", "@active"), 1.2),
    Changing((UP, ("partition", "1"), ("kill", "@active")), ("heal",), 1.5),
    Changing((UP,), ("fault", "pause", "--for", "2"), 4.0),
    Changing((UP,), ("fault", "kill", "--for", "2"), 4.0),
    Changing((UP,), ("fault", "isolate", "--for", "2"), 4.0),
    Changing((UP,), ("fault", "rolling-restart"), 8.0),
    Changing((UP, _PUB), ("fault", "truncate-store", "--yes"), 6.0),
    Changing((UP,), ("fault", "expire-lock", "--yes"), 5.0),
    Changing((_LIMITED,), ("fault", "fill-disk", "--for", "2", "--yes"), 5.0),
    Changing((("up", "--secure"),), ("fault", "expire-certificate", "--for", "2"), 5.0),
    Changing((UP, _PUB, _ALL_STOPPED), _SNAPSHOT, 0.6),
    Changing((UP, _PUB, _ALL_STOPPED, _SNAPSHOT), ("store", "restore", "one", "--yes"), 0.8),
    Changing((UP,), ("drill", "kill-loop", "--kill-active", "2", "--here", "--yes"), 12.0),
    Changing((), ("drill", "kill-loop", "--kill-active", "1"), 10.0),
    Changing((), ("run", "--fault", "kill:@active", "--every", "1s", "--", "sleep", "2"), 7.0),
    Changing((), ("gotcha", "all-standby"), 6.0),
)

SIMULTANEOUS: tuple[Words, ...] = (
    UP,
    ("up", "--recreate"),
    ("up", "--nodes", "3"),
    ("down",),
    ("down", "--purge", "--yes"),
    ("start", "@all"),
    ("stop", "@active"),
    ("restart", "@active"),
    ("restart", "@standby"),
    ("kill", "@active"),
    ("kill", "0"),
    ("pause", "@active"),
    ("unpause", "@all"),
    ("partition", "1"),
    ("isolate", "@active"),
    ("heal",),
    ("fault", "pause", "--for", "1"),
    ("fault", "rolling-restart"),
    ("status",),
    ("list",),
    ("logs", "--tail", "5"),
    ("failovers",),
    ("faults",),
    ("pub", "orders", "x", "--count", "20"),
    ("wait", "--state", "healthy", "--timeout", "5"),
    ("doctor",),
)
"""Commands of which any two may be given at once."""
