"""The login of the chart's servers at their NATS server: `stan.auth`, `stan.credentials`, `stan.tls`. Pure.

The chart mounts files from Secrets, and prints passwords into its ConfigMap. The export has neither: it names
the Secrets, and its header has the commands that make them or hand a password over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from stanlocal.export.chart_text import printed
from stanlocal.export.yamltext import Noted
from stanlocal.model.plan import GroupPlan

TAKEN = frozenset({"username", "password", "token", "credentials", "nkey_seed_file", "secure", "tls"})
"""Streaming options that this module has values for."""
_TLS_FILES = {"client_cert": "tls.crt", "client_key": "tls.key", "client_cacert": "ca.crt"}
"""File of the Secret by the option that names it; the chart's own settings say the same."""
_IN_CHART = {"client_cacert": "client_ca"}
_MOUNTED = "/etc/nats/certs"
_CREDENTIALS = "user.creds"
_SEED = "user.nk"


@dataclass(frozen=True, slots=True)
class Login:
    """The values of a login, and how its secrets come into the cluster."""

    values: Mapping[str, Any] = field(default_factory=dict)
    """Values below `stan`."""
    commands: tuple[str, ...] = ()
    """Commands that make the Secrets."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Setting of each secret that the values leave out, by the value that `helm --set-file` gives."""


def login(plan: GroupPlan, release: str) -> Login:
    """Return the login for the release of that name.

    Without a login of the streaming server's own, it is the one that the group's NATS servers ask for.
    """
    streaming = plan.streaming
    commands: list[str] = []
    secrets: dict[str, str] = {}
    values: dict[str, Any] = {}
    auth = _auth(plan, secrets)
    if path := streaming.get("nkey_seed_file"):
        auth["nkeySeedFile"] = {"secret": {"name": f"{release}-nkey", "key": _SEED}}
        commands += _make(f"{release}-nkey", {_SEED: path})
    if auth:
        values["auth"] = Noted(
            {"enabled": True, **auth}, "Its secret is not in here; the top of this file hands it over."
        )
    if path := streaming.get("credentials"):
        values["credentials"] = {"secret": {"name": f"{release}-creds", "key": _CREDENTIALS}}
        commands += _make(f"{release}-creds", {_CREDENTIALS: path})
    if tls := streaming.get("tls"):
        values["tls"] = {"enabled": True, "secretName": f"{release}-tls", "settings": dict(_tls(tls))}
        files = {file: tls[option] for option, file in _TLS_FILES.items() if option in tls}
        commands += _make(f"{release}-tls", files)
    return Login(values, tuple(commands), secrets)


def _auth(plan: GroupPlan, secrets: dict[str, str]) -> dict[str, Any]:
    """Return the user, without password or token, of which the settings' names go to `secrets`."""
    at, own = "streaming", plan.streaming
    name = own.get("username")
    if name is None and own.get("token") is None:
        at, own = "nats.authorization", plan.nats.get("authorization", {})
        name = own.get("user")
    if name is not None:
        secrets["stan.auth.password"] = f"{at}.password"
        return {"username": printed(str(name)), "password": ""}
    if own.get("token") is not None:
        secrets["stan.auth.token"] = f"{at}.token"
        return {"token": ""}
    return {}


def _tls(tls: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the settings; null takes away the chart's own, which names all three files."""
    for option, file in _TLS_FILES.items():
        yield _IN_CHART.get(option, option), f"{_MOUNTED}/{file}" if option in tls else None
    for option, value in tls.items():
        if option not in _TLS_FILES:
            yield option, value


def _make(secret: str, files: Mapping[str, str]) -> list[str]:
    """Return the lines of the command that makes a Secret of files."""
    lines = [f"kubectl create secret generic {secret}"]
    lines += [f"  --from-file={file}={path}" for file, path in files.items()]
    return [*(f"{line} \\" for line in lines[:-1]), lines[-1]]
