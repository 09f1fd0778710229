"""Options that name the target of a migration: a JetStream server, and the login there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stanlocal.cli.login_options import Login, options_of, with_options

if TYPE_CHECKING:
    from stanlocal.migrate.jetstream.connection import JetStream

_F = TypeVar("_F", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--to", required=True, metavar="URL", help="The JetStream server, or URL[,URL]."),
    *options_of(at=" at the JetStream server"),
)


@dataclass(frozen=True, slots=True)
class Target:
    """The server and the login that the options name."""

    url: str
    login: Login

    def access(self) -> dict[str, Any]:
        """Return the login as options of nats-py; raises `click.UsageError` for options that do not fit."""
        from stanlocal.access.nats_options import nats_options

        return nats_options(self.login.access())

    def connected(self) -> AbstractAsyncContextManager[JetStream]:
        """Return the connection to the server, for `async with`; raises like `access` and `connected`."""
        from stanlocal.migrate.jetstream.connection import connected

        return connected(self.url, self.access())


def target_of_migration(command: _F) -> _F:
    """Add the options; the command gets them as one `Target`, its argument `target`."""

    @wraps(command)
    def with_target(*args: Any, **values: Any) -> Any:
        target = Target(values.pop("to"), Login.taken_from(values))
        return command(*args, **values, target=target)

    return with_options(with_target, _OPTIONS)  # type: ignore[return-value]
