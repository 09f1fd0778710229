"""The group for Docker Compose: `compose.yaml`, and the stan.conf that its services mount.

The services are the containers that the Docker engine makes, from the same description
(`render.container_spec`), without the labels by which stanlocal recognizes its own. The file uses only what
docker-compose 1.29 and the Compose Specification have in common.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from stanlocal.errors import SettingsError
from stanlocal.export import certificates
from stanlocal.export.named_files import key, moved, named_files
from stanlocal.export.secrets import Secret, without_secrets
from stanlocal.export.yamltext import Noted, document
from stanlocal.model.plan import CONF_DIR, GroupPlan, NodePlan
from stanlocal.render.container_spec import Container, Mount, container
from stanlocal.render.stan_conf import Identity, Variable, identity, in_environment, render_shared
from stanlocal.util.addresses import LOOPBACK

FILE = "compose.yaml"
CONF = "conf/stan.conf"
STORE = "store"
SECRETS = "secrets/stan.conf"
"""File with the secrets, one line each in the server's own language."""
_SECRET = "stan-secrets"
_SECRETS_DIR = "/run/secrets"
"""Folder of secrets in a container."""
_INCLUDED = posixpath.relpath(f"{_SECRETS_DIR}/{_SECRET}", CONF_DIR)
USER = "STANLOCAL_USER"
"""Variable with the owner of the store and of the servers' processes: `uid:gid`."""

_IDENTITY = Identity(
    server_name=Variable("SERVER_NAME"),
    client_advertise=Variable("CLIENT_ADVERTISE"),
    cluster_advertise=Variable("CLUSTER_ADVERTISE"),
)


def files(plan: GroupPlan) -> dict[str, str]:
    """Return the files by their names, relative to one folder.

    They hold no secrets: these are in a file that the configuration includes, as a secret of Compose.
    """
    certificates = [path for path in named_files(plan) if path not in _scripts(plan)]
    if _SECRET in map(key, certificates):
        raise SettingsError(
            [f"a file cannot be named {_SECRET!r} here: the export has a secret of that name"]
        )
    clean, secrets = without_secrets(moved(plan, _SECRETS_DIR, without=_scripts(plan)))
    conf = render_shared(clean, _IDENTITY, _INCLUDED if secrets else None)
    return {FILE: _compose(clean, secrets, certificates), CONF: conf}


def _scripts(plan: GroupPlan) -> set[str]:
    """Return the paths of files that the servers run, which stay where they are."""
    script = plan.streaming.get("file_options", {}).get("slice_archive_script")
    return set() if script is None else {script}


def _compose(plan: GroupPlan, secrets: Sequence[Secret], certificates: Sequence[str]) -> str:
    held = {key(path): path for path in certificates}
    named = [*([_SECRET] if secrets else []), *held]
    services = {node.name: _service(plan, node, named) for node in plan.nodes}
    content: dict[str, Any] = {
        "services": services,
        "networks": {
            "clients": Noted({"driver": "bridge"}, "Carries clients and monitoring; ports are published."),
            "routes": Noted(
                {"driver": "bridge", "internal": True},
                "Carries the routes between the servers, and leads nowhere else.",
            ),
        },
    }
    if named:
        made = {_SECRET: Noted({"file": f"./{SECRETS}"}, "The top of this file says how it is made.")}
        files = {name: {"file": _literal(path)} for name, path in held.items()}
        content["secrets"] = {**(made if secrets else {}), **files}
    return document(content, _header(plan, secrets))


def _header(plan: GroupPlan, secrets: Sequence[Secret]) -> str:
    trusted = f"--cacert {certificates.FOLDER}/ca.pem " if plan.secure else ""
    lines = [
        f"The NATS Streaming FT group '{plan.group}' for Docker Compose, from 'stanlocal export compose'.",
        "",
        f"The store is ./{STORE}, for all servers; it and their processes belong to {USER}:",
        f"  mkdir -p {STORE} && echo {USER}=$(id -u):$(id -g) >.env",
        "  docker compose up -d                       # stanlocal up",
        "  docker compose logs -f                     # stanlocal logs -f",
        f"  docker compose kill {plan.nodes[0].name:<23}# stanlocal kill {plan.nodes[0].name}",
        "  docker compose down                        # stanlocal down; both keep the store",
        f"Clients: {','.join(plan.client_urls)}, cluster id {plan.cluster_id}",
        "",
        "There is no health check, as there is nothing but the server in its image to run one with. Ask the",
        "monitor instead; 200 is the active node, 204 a standby:",
        f"  curl -i {trusted}{plan.monitor_url(plan.nodes[0])}/streaming/isFTActive",
    ]
    if secrets:
        lines += [
            "",
            f"Secrets are not in here, but in ./{SECRETS}, which has to be made, for {USER} to read:",
            f"  mkdir -m 700 -p {posixpath.dirname(SECRETS)} && (umask 077 && touch {SECRETS})",
            "It has one line for each, in double quotes, with a backslash before each quote and backslash:",
        ]
        lines += [f'  {secret.variable}: "…"    # {secret.setting}' for secret in secrets]
    if plan.secure:
        hosts = {"localhost", LOOPBACK, plan.host}
        hosts |= {name for node in plan.nodes for name in (node.name, node.route_host)}
        lines += ["", *certificates.commands(hosts, f"{certificates.FOLDER}/")]
    lines += certificates.for_routes(plan, (node.route_host for node in plan.nodes))
    return "\n".join(lines)


def _service(plan: GroupPlan, node: NodePlan, secrets: Sequence[str]) -> dict[str, Any]:
    made = container(replace(plan, store_dir=f"./{STORE}"), node)
    own = identity(plan, node)
    return {
        "image": made.image,
        "container_name": made.name,
        "hostname": made.name,
        "command": list(made.command),
        "user": f"${{{USER}:?has to be uid:gid of the owner of ./{STORE}; see the top of {FILE}}}",
        "environment": {
            "SERVER_NAME": _told(own.server_name),
            "CLIENT_ADVERTISE": _told(own.client_advertise),
            "CLUSTER_ADVERTISE": _told(own.cluster_advertise),
        },
        **({"secrets": list(secrets)} if secrets else {}),
        "ports": [f"{_bracketed(port.host)}:{port.outside}:{port.inside}" for port in made.ports],
        "volumes": [
            _volume(made.store),
            _volume(replace(made.conf, source="./conf")),
            *(_volume(mount) for mount in made.files if mount.source in _scripts(plan)),
        ],
        "networks": {"clients": {"priority": 1000}, "routes": {"aliases": [made.route_alias]}},
        **({"extra_hosts": _hosts(made)} if made.extra_hosts else {}),
        **_hardening(made),
    }


def _hosts(made: Container) -> list[str]:
    return [f"{name}:{address}" for name, address in made.extra_hosts.items()]


def _hardening(made: Container) -> dict[str, Any]:
    return {
        "read_only": made.read_only,
        "cap_drop": list(made.cap_drop),
        "security_opt": list(made.security_opt),
        "pids_limit": made.pids_limit,
        "stop_signal": made.stop_signal,
        "stop_grace_period": f"{made.stop_grace_s}s",
        "logging": _logging(made.log_driver, made.log_options),
    }


def _logging(driver: str, options: Mapping[str, str]) -> dict[str, Any]:
    return {"driver": driver, "options": dict(options)}


def _told(value: str | Variable) -> str:
    assert isinstance(value, str)
    return _literal(in_environment(value))


def _volume(mount: Mount) -> str:
    return _literal(f"{mount.source}:{mount.target}:{'ro' if mount.read_only else 'rw'}")


def _literal(text: str) -> str:
    """Escape `text` for Compose, which replaces variables everywhere."""
    return text.replace("$", "$$")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
