"""The errors that stanlocal raises on purpose.

::

    StanlocalError
    ├── SettingsError            .problems: every problem found, one line each
    ├── EngineError              the container engine did not do what was asked
    │   ├── EngineUnavailable    no engine answers, or it refuses us
    │   ├── ImageNotFound        every source of the server image failed  .attempts
    │   ├── NodePaused           the call needs a node that is not frozen
    │   ├── ProxyDown            the group's proxy does not run
    │   ├── Unsupported          this engine cannot do it, another can
    │   ├── PortInUse            a host port is taken                 .port .owner
    │   └── NameConflict         something that is not ours has a name we need  .name
    ├── GroupError               about one FT group
    │   ├── GroupNotFound
    │   ├── NodeNotFound         also: `@active` when no node is active
    │   ├── Refused              not with the group as it is; nothing was touched
    │   │   ├── StoreRefused     the store folder cannot be used, or purged, as asked
    │   │   └── WrongEngine      another engine or machine made the group, and may still run it
    │   ├── NodeFailed           .node .exit_code .log_tail
    │   ├── WaitTimeout          a wait ran out, a TimeoutError too   .states .log_tail
    │   └── MonitorError         a node's monitor gave no usable answer  .outcome
    ├── LoginError               a login, key or certificate that a client cannot use
    ├── OutputError              a file that the user named is not replaced, or cannot be written
    ├── StateError               the disk of the state folder is full or read-only
    ├── JetStreamError           a JetStream server did not do what was asked  .code
    │   └── RelayBlocked         the relay cannot go on without losing a message
    ├── LedgerError              a drill's ledger cannot be written or read
    └── StanError                the STAN client; its subclasses are in `stanlocal.stan.errors`

A message is one line, lower case: what happened, with which values, and what to do next. Errors of
other libraries are chained with ``from``. Which exit code an error ends the command line with is
decided in one place, `stanlocal.cli.errors`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from stanlocal.util.printable import printable


class StanlocalError(Exception):
    """Base of all errors that stanlocal raises on purpose."""


_LONGEST_LINE = 2_000


def _one_line(text: str) -> str:
    """Return a text on one line, without its middle if it is very long: names in a file may be anything."""
    line = printable(text)
    return line if len(line) <= _LONGEST_LINE else f"{line[:1_500]} … {line[-200:]}"


class SettingsError(StanlocalError):
    """Settings that cannot be used; `problems` lists all of them, not just the first."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(map(_one_line, problems))
        super().__init__("; ".join(self.problems))


class EngineError(StanlocalError):
    """The engine refused a call or failed."""


class EngineUnavailable(EngineError):
    """No engine answers, or the one that does refuses the caller."""

    chosen = False
    """Whether the user chose that engine, so that no other is tried."""


class ImageNotFound(EngineError):
    """The server image is unavailable; `attempts` has one line for each source tried."""

    def __init__(self, message: str, attempts: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.attempts = tuple(attempts)


class ProxyDown(EngineError):
    """The group's proxy does not run; the faults that it applied ended with it."""


class NodePaused(EngineError):
    """The call needs a node that is not frozen."""


class Unsupported(EngineError):
    """This engine cannot do it; nothing was changed."""


class NodeUnreachable(EngineError):
    """The node's machine does not answer the engine: its process may run or not."""


class NotAllowed(EngineError):
    """The engine does not let the caller do this; nothing was changed."""


class PortInUse(EngineError):
    """A requested host port is taken; `owner` names what has it, if that can be seen."""

    def __init__(self, message: str, port: int, owner: str | None = None) -> None:
        super().__init__(message)
        self.port = port
        self.owner = owner


class NameConflict(EngineError):
    """The needed name belongs to a container or network that stanlocal did not make."""

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.name = name


class GroupError(StanlocalError):
    """Base of errors about one FT group."""


class GroupNotFound(GroupError):
    """No group of that name is known to the engine or in the state folder."""


class NodeNotFound(GroupError):
    """The target names no node of the group, or a role that no node has now."""


class Refused(GroupError):
    """The group's present state does not allow it; nothing was changed."""


class StoreRefused(Refused):
    """The store folder cannot be used or purged as asked; nothing in it was changed."""


class WrongEngine(Refused):
    """Another engine or machine made the group, so what this one shows of it is meaningless."""


class NodeFailed(GroupError):
    """A node ended by itself or never started."""

    def __init__(self, message: str, node: str, exit_code: int | None, log_tail: Sequence[str]) -> None:
        super().__init__(message)
        self.node = node
        self.exit_code = exit_code
        self.log_tail = tuple(log_tail)


class WaitTimeout(GroupError, TimeoutError):
    """A wait ran out; `states` maps each node to its state when it did."""

    def __init__(self, message: str, states: Mapping[str, str], log_tail: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.states = dict(states)
        self.log_tail = tuple(log_tail)


class MonitorError(GroupError):
    """A node's monitor gave no usable answer; `outcome` says in which way (`monitor.client.Outcome`)."""

    def __init__(self, message: str, outcome: Literal["not-ready", "silent", "refused", "strange"]) -> None:
        super().__init__(message)
        self.outcome = outcome


class LoginError(StanlocalError):
    """A login, a key or a certificate is not known here, or its file cannot be used."""


class OutputError(StanlocalError):
    """A file that the user named is not written: it has foreign content, or it cannot be written."""


class StateError(StanlocalError):
    """The user's state folder cannot be written: its disk is full, or read-only."""


class JetStreamError(StanlocalError):
    """A JetStream server did not do what was asked; `code` is its own number of the error, if it gave one."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class RelayBlocked(JetStreamError):
    """A relay cannot go on without a loss: the other side has another message, or takes none of that size."""


class LedgerError(StanlocalError):
    """A drill's ledger cannot be written, or the file to be judged is not one."""


class StanError(StanlocalError):
    """Base of the STAN client's errors."""


def described(error: BaseException) -> str:
    """Return the error in one line; one that stanlocal does not raise on purpose is called a defect."""
    if isinstance(error, StanlocalError):
        return str(error)
    return f"defect in stanlocal: {type(error).__name__}: {error}".splitlines()[0]
