"""Options that say how to log in at a NATS server, for every command that takes the URL of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from stanlocal.access.login import Access

_FILE = click.Path(path_type=Path)

Option = Callable[[Any], Any]


def options_of(prefix: str = "", *, at: str) -> tuple[Option, ...]:
    """Return the options; with a prefix where a command logs in at two servers, as `--stan-user`."""

    def option(name: str, text: str, kind: click.Path | None = _FILE) -> Option:
        return click.option(f"--{prefix}{name}", type=kind, help=text)

    return (
        option("user", f"Name to log in with{at}.", None),
        option("password-file", "File whose first line is the password."),
        option("token-file", "File whose first line is the token to log in with."),
        option("creds", "Credentials file to log in with."),
        option("nkey", "File with the seed of the NKey to log in with."),
        option("tls-ca", "Certificates to check the server's against."),
        option("tls-cert", "Certificate that the client shows."),
        option("tls-key", "Key of that certificate."),
        option("tls-name", "Name expected in the server's certificate; the URL's host otherwise.", None),
    )


OPTIONS = options_of(at="; a group's own login when not given")


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
    prefix: str = ""
    """Prefix of the options' names."""

    @classmethod
    def taken_from(cls, values: dict[str, Any], prefix: str = "") -> Login:
        """Take the options' values out of a command's arguments."""
        names = [each.name for each in fields(cls) if each.name != "prefix"]
        given = {name: values.pop(f"{prefix}{name}".replace("-", "_")) for name in names}
        return cls(**given, prefix=prefix)

    def access(self) -> Access:
        """Return the login with its secrets read; raises `click.UsageError` for options that do not fit."""
        from stanlocal.access.login import Access, TlsFiles

        ways = {"user": self.user, "token-file": self.token_file, "creds": self.creds, "nkey": self.nkey}
        of = f"--{self.prefix}"
        named = [f"{of}{name}" for name, value in ways.items() if value is not None]
        if len(named) > 1:
            raise click.UsageError(f"{' and '.join(named)}: a client logs in one way; give one of them")
        if (self.user is None) != (self.password_file is None):
            raise click.UsageError(f"{of}user and {of}password-file go together")
        if self.tls_key is not None and self.tls_cert is None:
            raise click.UsageError(f"{of}tls-key is the key of {of}tls-cert: give that too")
        tls = TlsFiles(_text(self.tls_ca), _text(self.tls_cert), _text(self.tls_key), self.tls_name)
        return Access(
            user=self.user,
            password=_first_line(self.password_file),
            token=_first_line(self.token_file),
            nkey_seed=_text(self.nkey),
            credentials=_text(self.creds),
            tls=None if tls == TlsFiles() else tls,
        )


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
