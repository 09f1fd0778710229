"""Actions on nodes: the faults that have a key, how they are undone, and the equal command lines. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Literal, TypeAlias

from stanlocal.faults.base import Fault
from stanlocal.model.command_line import Command
from stanlocal.model.states import NodeStatus

KEYED = frozenset({"kill", "stop", "restart", "pause", "partition", "isolate"})
"""Names of the faults with a key and a command of their own; the others are chosen from a list."""

SIGNALS = (
    ("KILL", "ends at once, as a crash does"),
    ("TERM", "shuts down; what 'stop' sends"),
    ("INT", "shuts down, as by Ctrl-C"),
    ("QUIT", "ends, with the stacks of all its goroutines in the log"),
    ("ABRT", "ends, with the stacks of all its goroutines in the log"),
    ("HUP", "reloads its configuration and goes on"),
    ("USR1", "reopens its log file and goes on"),
)
"""Signals that a server handles, each with its effect."""

Cure: TypeAlias = Literal["start", "unpause", "heal"]
"""Commands that undo faults."""


def of_fault(group: str, fault: Fault, targets: Sequence[str], for_s: float | None = None) -> Command:
    """Return the fault's own command, such as `stanlocal kill`, or `stanlocal fault`.

    Only the latter takes the number of seconds that the fault lasts.
    """
    words = [fault.name] if fault.name in KEYED and for_s is None else ["fault", fault.name]
    lasting = ["--for", f"{for_s:.10g}"] if for_s is not None else []
    return Command(group, [*words, *targets, *lasting, *_options(fault)])


def _options(fault: Fault) -> list[str]:
    """Command line options for the parameters that differ from their defaults."""
    given: list[str] = []
    usual = type(fault)()
    for field in fields(fault):  # type: ignore[arg-type]  # every fault is a dataclass
        value = getattr(fault, field.name)
        if value != getattr(usual, field.name):
            option = _OPTION_NAMES.get(field.name) or field.name.rpartition("_")[0] or field.name
            given += [f"--{option}", str(value or 0).removeprefix("SIG")]
    return given


_OPTION_NAMES = {"grace_s": "timeout"}
"""Options of parameters; the others are the parameter's name without its unit."""


def toggled(fault: str, nodes: Sequence[NodeStatus]) -> Cure | None:
    """Return the command that undoes the fault if all these nodes suffer from it already."""
    if fault == "pause" and all(node.paused for node in nodes):
        return "unpause"
    if fault in ("partition", "isolate") and all(node.partitioned for node in nodes):
        return "heal"
    return None


def default_targets(fault: type[Fault], target: str) -> tuple[str, ...]:
    """Return the target, or all nodes for a fault of the whole group."""
    return fault.default_targets if fault.default_targets == ("@all",) else (target,)
