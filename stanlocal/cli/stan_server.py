"""Which STAN server `pub`, `sub` and `bench` talk to: the group, or any other by its URL."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, TypeVar

import click

from stanlocal.cli.context import group_endpoint

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


def server(url: str | None, cluster_id: str | None) -> tuple[list[str], str]:
    """The URLs and the cluster id: those given, else the group's."""
    if url is not None:
        return [part.strip() for part in url.split(",")], cluster_id or _DEFAULT_CLUSTER_ID
    urls, groups_id = group_endpoint()
    return list(urls), cluster_id or groups_id


def made_up_id(role: str) -> str:
    return f"stanlocal-{role}-{secrets.token_hex(4)}"
