"""What can be done to nodes from the interface: the faults of the registry, and the ways back. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal, TypeAlias

from stanlocal.faults.base import Fault
from stanlocal.model.states import NodeStatus

DEFAULT_GROUP = "stan"

KEYED = frozenset({"kill", "stop", "restart", "pause", "partition", "isolate"})
"""The faults that have a key, and a command, of their own; the others are found in a list."""

SIGNALS = (
    ("KILL", "ends at once, as a crash does"),
    ("TERM", "shuts down; what 'stop' sends"),
    ("INT", "shuts down, as by Ctrl-C"),
    ("QUIT", "ends, with the stacks of all its goroutines in the log"),
    ("ABRT", "ends, with the stacks of all its goroutines in the log"),
    ("HUP", "reloads its configuration and goes on"),
    ("USR1", "reopens its log file and goes on"),
)
"""Those that a server acts upon, and how."""

Cure: TypeAlias = Literal["start", "unpause", "heal"]
"""The ways back from faults."""


@dataclass(frozen=True, slots=True)
class Command:
    """The command line that does the same."""

    group: str
    words: Sequence[str]

    def __str__(self) -> str:
        named = [] if self.group == DEFAULT_GROUP else ["--group", self.group]
        return shlex.join(["stanlocal", *named, *self.words])


def of_fault(group: str, fault: Fault, targets: Sequence[str], for_s: float | None = None) -> Command:
    """As `stanlocal kill` and its like for a fault that has such a command, else `stanlocal fault`.

    Only the latter can let it last for some seconds.
    """
    words = [fault.name] if fault.name in KEYED and for_s is None else ["fault", fault.name]
    lasting = ["--for", f"{for_s:.10g}"] if for_s is not None else []
    return Command(group, [*words, *targets, *lasting, *_options(fault)])


def _options(fault: Fault) -> list[str]:
    """What differs from the defaults, as the commands call it."""
    given: list[str] = []
    usual = type(fault)()
    for field in fields(fault):  # type: ignore[arg-type]  # every fault is a dataclass
        value = getattr(fault, field.name)
        if value != getattr(usual, field.name):
            option = _OPTION_NAMES.get(field.name) or field.name.rpartition("_")[0] or field.name
            given += [f"--{option}", str(value or 0).removeprefix("SIG")]
    return given


_OPTION_NAMES = {"grace_s": "timeout"}
"""Of the parameters; the others without the unit that ends their name."""


def toggled(fault: str, nodes: Sequence[NodeStatus]) -> Cure | None:
    """The way back, where all these nodes suffer from such a fault already."""
    if fault == "pause" and all(node.paused for node in nodes):
        return "unpause"
    if fault in ("partition", "isolate") and all(node.partitioned for node in nodes):
        return "heal"
    return None


def default_targets(fault: type[Fault], target: str) -> tuple[str, ...]:
    """Whom the fault hits: the target, unless it is one for the whole group."""
    return fault.default_targets if fault.default_targets == ("@all",) else (target,)
