"""Connection to a Docker Engine, and its ping: a single bounded `GET /_ping` to one address."""

from __future__ import annotations

import grp
import http.client
import os
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """TLS settings of an engine."""

    ca: Path | None
    cert: Path | None
    key: Path | None
    verify: bool


@dataclass(frozen=True, slots=True)
class Target:
    """An engine's address: `unix:///path`, `tcp://host:port` or `https://host:port`."""

    url: str
    tls: TlsFiles | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of an engine."""

    api_version: str
    """Newest API version that it supports, such as `1.41`."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reason why there is no usable engine at an address."""

    why: str
    advice: str
    absent: bool = False
    """Whether nothing is there: no socket, or one on which no process listens."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def ping(target: Target, timeout_s: float) -> Answer | Refusal:
    """Ping `target`; connecting and each read take at most `timeout_s` seconds."""
    parts = urlsplit(target.url)
    if parts.scheme == "ssh":
        return Refusal(
            "ssh:// is not supported",
            "forward its socket with 'ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock HOST' "
            "and set DOCKER_HOST=unix:///tmp/docker.sock",
        )
    try:
        connection = open_connection(target, timeout_s)
    except (ValueError, OSError) as err:
        return Refusal(f"not a usable address: {err}", "give unix:///path or tcp://host:port")
    try:
        connection.request("GET", "/_ping", headers={"User-Agent": "stanlocal"})
        response = connection.getresponse()
        body = response.read(1024)
    except (OSError, http.client.HTTPException) as err:
        return _refusal(err, target, timeout_s)
    finally:
        connection.close()
    version = response.getheader("Api-Version")
    if response.status != 200 or not version:
        said = body.decode("utf-8", "replace").strip().partition("\n")[0][:80]
        return Refusal(
            f"what answers is not a Docker Engine (HTTP {response.status} {said!r})",
            "choose another by DOCKER_HOST",
        )
    return Answer(version)


def open_connection(target: Target, timeout_s: float) -> http.client.HTTPConnection:
    """Return a connection that its first request opens; raises `ValueError` or `OSError` for a bad one."""
    parts = urlsplit(target.url)
    if parts.scheme == "unix":
        path = target.url.removeprefix("unix://")
        if not path.startswith("/"):
            raise ValueError(f"{target.url!r} has no absolute path")
        return _UnixConnection(path, timeout_s)
    if parts.scheme not in ("tcp", "http", "https") or not parts.hostname:
        raise ValueError(f"{target.url!r}")
    if target.tls is None and parts.scheme != "https":
        return http.client.HTTPConnection(parts.hostname, parts.port or 2375, timeout=timeout_s)
    context = _ssl_context(target.tls or TlsFiles(None, None, None, verify=True))
    return http.client.HTTPSConnection(parts.hostname, parts.port or 2376, timeout=timeout_s, context=context)


def _ssl_context(tls: TlsFiles) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=tls.ca)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.cert and tls.key:
        context.load_cert_chain(tls.cert, tls.key)
    return context


def _refusal(err: Exception, target: Target, timeout_s: float) -> Refusal:
    """Explain an error of the ping, with advice."""
    start = "start it, or choose another by DOCKER_HOST"
    match err:
        case FileNotFoundError():
            return Refusal("no such socket", start, absent=True)
        case ConnectionRefusedError():
            return Refusal("nothing listens there", start, absent=True)
        case PermissionError():
            return Refusal("permission denied", _permission_advice(target))
        case TimeoutError():
            return Refusal(f"no answer within {timeout_s:g} s", "restart the engine, or look into its log")
        case ssl.SSLError():
            return Refusal(f"TLS failed: {err}", "see DOCKER_TLS_VERIFY and DOCKER_CERT_PATH")
        case _:
            return Refusal(f"{type(err).__name__}: {err}", start)


def _permission_advice(target: Target) -> str:
    """Advise how to get permission; name the socket's user group if joining it helps."""
    path = Path(target.url.removeprefix("unix://"))
    try:
        gid = path.stat().st_gid
        group = grp.getgrgid(gid).gr_name
    except (OSError, KeyError):  # the folder hides it, or the group has no name
        return f"become a user who may use {path}"
    if gid in os.getgroups():
        return f"let the group {group!r} write to {path}"
    return f"join its group with 'sudo usermod -aG {group} $USER' and log in again"
