"""Options that say how to log in at a NATS server, for every command that takes the URL of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from stanlocal.access.login import Access

_FILE = click.Path(path_type=Path)

_F = TypeVar("_F", bound=Callable[..., Any])

OPTIONS = (
    click.option("--user", help="Name to log in with; a group's own login when not given."),
    click.option("--password-file", type=_FILE, help="File whose first line is the password."),
    click.option("--token-file", type=_FILE, help="File whose first line is the token to log in with."),
    click.option("--creds", type=_FILE, help="Credentials file to log in with."),
    click.option("--nkey", type=_FILE, help="File with the seed of the NKey to log in with."),
    click.option("--tls-ca", type=_FILE, help="Certificates to check the server's against."),
    click.option("--tls-cert", type=_FILE, help="Certificate that the client shows."),
    click.option("--tls-key", type=_FILE, help="Key of that certificate."),
    click.option("--tls-name", help="Name expected in the server's certificate; the URL's host otherwise."),
)


@dataclass(frozen=True, slots=True)
class Login:
    """The login that the options name."""

    user: str | None
    password_file: Path | None
    token_file: Path | None
    creds: Path | None
    nkey: Path | None
    tls_ca: Path | None
    tls_cert: Path | None
    tls_key: Path | None
    tls_name: str | None

    @classmethod
    def taken_from(cls, values: dict[str, Any]) -> Login:
        """Take the options' values out of a command's arguments."""
        return cls(**{each.name: values.pop(each.name) for each in fields(cls)})

    def access(self) -> Access:
        """Return the login with its secrets read; raises `click.UsageError` for options that do not fit."""
        from stanlocal.access.login import Access, TlsFiles

        ways = {"--user": self.user, "--token-file": self.token_file, "--creds": self.creds}
        named = [name for name, value in {**ways, "--nkey": self.nkey}.items() if value is not None]
        if len(named) > 1:
            raise click.UsageError(f"{' and '.join(named)}: a client logs in one way; give one of them")
        if (self.user is None) != (self.password_file is None):
            raise click.UsageError("--user and --password-file go together")
        if self.tls_key is not None and self.tls_cert is None:
            raise click.UsageError("--tls-key is the key of --tls-cert: give that too")
        tls = TlsFiles(_text(self.tls_ca), _text(self.tls_cert), _text(self.tls_key), self.tls_name)
        return Access(
            user=self.user,
            password=_first_line(self.password_file),
            token=_first_line(self.token_file),
            nkey_seed=_text(self.nkey),
            credentials=_text(self.creds),
            tls=None if tls == TlsFiles() else tls,
        )


def login_options(command: _F) -> _F:
    """Add the options; the command gets them as one `Login`, its argument `login`."""

    @wraps(command)
    def with_login(*args: Any, **values: Any) -> Any:
        login = Login.taken_from(values)
        return command(*args, **values, login=login)

    return with_options(with_login, OPTIONS)  # type: ignore[return-value]


def with_options(command: Callable[..., Any], options: Sequence[Callable[[Any], Any]]) -> Callable[..., Any]:
    """Add options to a command, in their order."""
    for option in reversed(options):
        command = option(command)
    return command


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _first_line(path: Path | None) -> str | None:
    if path is None:
        return None
    from stanlocal.settings.environment import first_line

    try:
        return first_line(path)
    except (OSError, ValueError) as error:
        raise click.UsageError(f"cannot read the secret: {error}") from error
