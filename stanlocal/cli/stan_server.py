"""Options that choose the STAN server of `pub`, `sub` and `bench`, and the login there."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stanlocal.cli import login_options
from stanlocal.cli.aio import run
from stanlocal.cli.context import Context
from stanlocal.cli.login_options import Login, with_options

if TYPE_CHECKING:
    from stanlocal.access.login import Access
    from stanlocal.lifecycle.opener import GroupOpener

_DEFAULT_CLUSTER_ID = "test-cluster"
_PREFIX = "stan-"

_F = TypeVar("_F", bound=Callable[..., Any])

Endpoint = dict[str, Any]
"""Address of a STAN server and the login there, as `stan.connect` takes them."""

_ADDRESS = (
    click.option("--url", help="Any STAN server instead of the group: URL[,URL]."),
    click.option("--cluster-id", help="Cluster id of the server; the group's when not given."),
)


def server_options(command: _F) -> _F:
    """Add the options; the command gets them as one `StanServer`, its argument `stan_server`."""
    client_id = click.option("--client-id", help="Client id; made up when not given.")
    return _with_server(command, "", (*_ADDRESS, client_id, *login_options.OPTIONS))


def source_options(command: _F) -> _F:
    """Add the options of a command that goes from a STAN server to another server with a login of its own."""
    client_id = click.option("--client-id", help="Client id at the STAN server (stanlocal-relay).")
    login = login_options.options_of(_PREFIX, at=" at the STAN server; a group's own login when not given")
    return _with_server(command, _PREFIX, (*_ADDRESS, client_id, *login))


def _with_server(command: _F, prefix: str, options: Sequence[login_options.Option]) -> _F:
    @wraps(command)
    def with_server(*args: Any, **values: Any) -> Any:
        given = {name: values.pop(name) for name in ("url", "cluster_id", "client_id")}
        server = StanServer(**given, login=Login.taken_from(values, prefix))
        return command(*args, **values, stan_server=server)

    return with_options(with_server, options)  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class StanServer:
    """The server and login that the options name."""

    url: str | None
    cluster_id: str | None
    client_id: str | None
    login: Login

    @contextmanager
    def endpoint(self) -> Iterator[Endpoint]:
        """Yield the arguments of `stan.connect`: the server given, else the group's.

        The served channels and the login are known only for the group. If the group is reached through local
        ports, these are open during the block. Raises `LoginError`.
        """
        from stanlocal.access.nats_options import nats_options

        given = self.login.access()
        if self.url is not None:
            servers = [part.strip() for part in self.url.split(",")]
            cluster_id = self.cluster_id or _DEFAULT_CLUSTER_ID
            yield {"servers": servers, "cluster_id": cluster_id, **nats_options(given)}
            return
        opener = click.get_current_context().ensure_object(Context).opener()
        try:
            yield run(self._of_group(opener, given))
        finally:
            asyncio.run(opener.close())

    async def _of_group(self, opener: GroupOpener, given: Access) -> Endpoint:
        plan, _ = await (await opener.core()).find()
        options = await opener.client_options(plan, {}, given)
        if self.cluster_id not in (None, plan.cluster_id):
            options["served_channels"] = None
        cluster_id = self.cluster_id or plan.cluster_id
        return {"servers": list(plan.client_urls), "cluster_id": cluster_id, **options}


def made_up_id(role: str) -> str:
    return f"stanlocal-{role}-{secrets.token_hex(4)}"
