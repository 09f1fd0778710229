"""Options that choose the STAN server of `pub`, `sub` and `bench`: the group, or another by its URL."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Any, TypedDict, TypeVar

import click

from stanlocal.cli.context import group_plan

_DEFAULT_CLUSTER_ID = "test-cluster"

_F = TypeVar("_F", bound=Callable[..., Any])


def server_options(command: _F) -> _F:
    """`--url`, `--cluster-id`, `--client-id`."""
    for option in (
        click.option("--client-id", help="Client id; made up when not given."),
        click.option("--cluster-id", help="Cluster id of the server; the group's when not given."),
        click.option("--url", help="Any STAN server instead of the group: URL[,URL]."),
    ):
        command = option(command)
    return command


class Endpoint(TypedDict):
    """Address of a STAN server, as `stan.connect` takes it."""

    servers: list[str]
    cluster_id: str
    served_channels: Sequence[str] | None


def server(url: str | None, cluster_id: str | None) -> Endpoint:
    """Return the server given, else the group's; only of the group are the served channels known."""
    if url is not None:
        urls = [part.strip() for part in url.split(",")]
        return Endpoint(servers=urls, cluster_id=cluster_id or _DEFAULT_CLUSTER_ID, served_channels=None)
    plan = group_plan()
    return Endpoint(
        servers=list(plan.client_urls),
        cluster_id=cluster_id or plan.cluster_id,
        served_channels=plan.served_channels if cluster_id in (None, plan.cluster_id) else None,
    )


def made_up_id(role: str) -> str:
    return f"stanlocal-{role}-{secrets.token_hex(4)}"
