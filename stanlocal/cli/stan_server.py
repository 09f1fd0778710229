"""Options that choose the STAN server of `pub`, `sub` and `bench`, and the login there."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stanlocal.cli.context import group_plan

if TYPE_CHECKING:
    from stanlocal.access.login import Access

_DEFAULT_CLUSTER_ID = "test-cluster"
_FILE = click.Path(path_type=Path)

_F = TypeVar("_F", bound=Callable[..., Any])

Endpoint = dict[str, Any]
"""Address of a STAN server and the login there, as `stan.connect` takes them."""

_OPTIONS = (
    click.option("--url", help="Any STAN server instead of the group: URL[,URL]."),
    click.option("--cluster-id", help="Cluster id of the server; the group's when not given."),
    click.option("--client-id", help="Client id; made up when not given."),
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


def server_options(command: _F) -> _F:
    """Add the options; the command gets them as one `StanServer`, its argument `stan_server`."""

    @wraps(command)
    def with_server(*args: Any, **values: Any) -> Any:
        given = {name: values.pop(name) for name in _NAMES}
        return command(*args, **values, stan_server=StanServer(**given))

    wrapped: Any = with_server
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class StanServer:
    """The server and login that the options name."""

    url: str | None
    cluster_id: str | None
    client_id: str | None
    user: str | None
    password_file: Path | None
    token_file: Path | None
    creds: Path | None
    nkey: Path | None
    tls_ca: Path | None
    tls_cert: Path | None
    tls_key: Path | None
    tls_name: str | None

    def endpoint(self) -> Endpoint:
        """Return the arguments of `stan.connect`: the server given, else the group's.

        Only of the group are the served channels and the login known. Raises `LoginError`.
        """
        from stanlocal.access.group_access import connect_options
        from stanlocal.access.nats_options import nats_options

        given = self._access()
        if self.url is not None:
            servers = [part.strip() for part in self.url.split(",")]
            cluster_id = self.cluster_id or _DEFAULT_CLUSTER_ID
            return {"servers": servers, "cluster_id": cluster_id, **nats_options(given)}
        plan = group_plan()
        own = self.cluster_id in (None, plan.cluster_id)
        return {
            "servers": list(plan.client_urls),
            "cluster_id": self.cluster_id or plan.cluster_id,
            "served_channels": plan.served_channels if own else None,
            **connect_options(plan, {}, given),
        }

    def _access(self) -> Access:
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


_NAMES = tuple(StanServer.__dataclass_fields__)


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


def made_up_id(role: str) -> str:
    return f"stanlocal-{role}-{secrets.token_hex(4)}"
