"""The tool's own settings, and the root of all of them."""

from __future__ import annotations

import re

from stanlocal.settings.cluster import CLUSTER
from stanlocal.settings.nats import NATS
from stanlocal.settings.schema import Kind, Option, Table
from stanlocal.settings.streaming import STREAMING

MAX_NODES = 64
MAX_PORT = 65535
DEFAULT_IMAGE = "nats-streaming:0.25.6"
_MAX_LABEL = 63
_LONGEST_GROUP = _MAX_LABEL - len("-NN")
_SMALLEST_STORE = 64 * 1024

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_IMAGE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._/:@-]{0,254}")


def group_name(name: str) -> str | None:
    """Return why `name` cannot begin the names of containers and hosts (RFC 1123); None if it can."""
    if not _LABEL.fullmatch(name):
        return "is not a group name: use a-z, 0-9 and '-', beginning and ending with a letter or digit"
    if len(name) > _LONGEST_GROUP:
        return f"is too long for a group name: {len(name)} characters, {_LONGEST_GROUP} at most"
    return None


def namespace_name(name: str) -> str | None:
    """Return why a cluster can have no namespace of this name; None if it can."""
    if _LABEL.fullmatch(name) and len(name) <= _MAX_LABEL:
        return None
    return "is not the name of a namespace: use a-z, 0-9 and '-', 63 characters at most"


def image_reference(reference: str) -> str | None:
    if _IMAGE.fullmatch(reference):
        return None
    return "is not an image reference such as nats-streaming:0.25.6"


SETTINGS = Table(
    (
        Option("group", Kind.STRING, "Name of the group.", "stan", check=group_name),
        Option(
            "engine",
            Kind.CHOICE,
            "What runs the nodes: Docker, local processes, or a Kubernetes cluster. `auto` is Docker where "
            "it answers, else local processes.",
            "auto",
            choices=("auto", "docker", "process", "kubernetes"),
        ),
        Option(
            "kubeconfig",
            Kind.PATH,
            "Kubeconfig of the cluster, for the engine `kubernetes`.",
            "as kubectl finds it",
            executes=True,  # it may name a credential plugin
        ),
        Option(
            "context",
            Kind.STRING,
            "Context of the kubeconfig.",
            "its current one",
            reaches="choose a cluster",
        ),
        Option(
            "namespace",
            Kind.STRING,
            "Namespace of the group on the cluster.",
            "the context's",
            reaches="choose a namespace",
            check=namespace_name,
        ),
        Option("kubernetes", Kind.TABLE, "Options for groups on a cluster.", table=CLUSTER),
        Option(
            "nodes",
            Kind.INTEGER,
            "Servers in the group; with 1 there is no failover.",
            "2",
            minimum=1,
            maximum=MAX_NODES,
        ),
        Option(
            "image",
            Kind.STRING,
            "Container image of the server.",
            DEFAULT_IMAGE,
            executes=True,
            check=image_reference,
        ),
        Option(
            "server_binary",
            Kind.PATH,
            "Local nats-streaming-server, for the process engine and for building the image.",
            executes=True,
        ),
        Option(
            "store_dir",
            Kind.PATH,
            "Folder of the store on the host.",
            "in the group's state folder",
            reaches="choose a folder that is written to",
        ),
        Option(
            "store_size",
            Kind.SIZE,
            "Limit of the store, to see a full disk.",
            "unlimited",
            minimum=_SMALLEST_STORE,
        ),
        Option(
            "proxied",
            Kind.BOOLEAN,
            "Put a proxy in the path of clients and routes, for `slow-network` and `flaky-network`.",
            "false",
        ),
        Option(
            "secure",
            Kind.BOOLEAN,
            "TLS for clients, routes and monitor, and a login, from a CA of the group's own.",
            "false",
        ),
        Option(
            "port",
            Kind.INTEGER,
            "First client port on the host; node i has port + i. Taken ports are then an error.",
            "4222, or the next that is free",
            minimum=1,
            maximum=MAX_PORT,
        ),
        Option(
            "preset",
            Kind.CHOICE,
            "Values to begin with: `seed` is the group of the Kubernetes guide, to the letter.",
            choices=("seed",),
        ),
        Option(
            "unset",
            Kind.STRINGS,
            "Settings to remove from the group, each with everything below it: `nats.authorization`.",
            reaches="take settings from the group",
        ),
        Option("streaming", Kind.TABLE, "Options of the streaming server.", table=STREAMING),
        Option("nats", Kind.TABLE, "Options of the NATS server inside each node.", table=NATS),
    )
)
