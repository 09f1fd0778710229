"""Choice of the Docker Engine to use.

The caller's choice is used alone, in the docker command's own order: ``DOCKER_HOST``, then
``DOCKER_CONTEXT``, then the current context of its configuration file. A choice that does not answer is
an error, never silently replaced by another engine. Without a choice the well-known sockets of Docker
Engine, its rootless mode, Docker Desktop, Colima, Rancher Desktop and OrbStack are tried.

``python -m stanlocal.engine.docker.endpoint`` prints the address of the engine that answers. It exits with 3
if an engine is there and cannot be used, and with 4 if there is none: only then does installing or
starting one help.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stanlocal.engine.docker.ping import Answer, Refusal, Target, TlsFiles, ping
from stanlocal.errors import EngineUnavailable
from stanlocal.util.small_files import read_json

if TYPE_CHECKING:
    import docker

DEFAULT_SOCKET = "/var/run/docker.sock"
PING_TIMEOUT_S = 2.0
"""An idle engine answers a ping within a few milliseconds."""
CALL_TIMEOUT_S = 60
"""Timeout of the client's calls that do not set their own; the SDK's default."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address where an engine may be."""

    source: str
    """Source of the choice: `DOCKER_HOST`, `context colima`, or empty for a well-known socket."""
    target: Target

    def __str__(self) -> str:
        return f"{self.source} ({self.target.url})" if self.source else self.target.url


def candidates(environ: Mapping[str, str], home: Path) -> list[Endpoint]:
    """Return the addresses to try, in order; only one if the caller has chosen.

    Raises `EngineUnavailable` if the chosen docker context cannot be read.
    """
    if host := environ.get("DOCKER_HOST"):
        return [Endpoint("DOCKER_HOST", Target(host, _environment_tls(environ, home)))]
    config_dir = Path(environ.get("DOCKER_CONFIG") or home / ".docker")
    context = environ.get("DOCKER_CONTEXT") or _current_context(config_dir)
    if context not in ("", "default"):
        return [_context_endpoint(config_dir, context)]
    return [Endpoint("", Target(f"unix://{path}")) for path in _well_known_sockets(environ, home)]


def _well_known_sockets(environ: Mapping[str, str], home: Path) -> list[str]:
    sockets = [DEFAULT_SOCKET]
    if runtime_dir := environ.get("XDG_RUNTIME_DIR"):
        sockets.append(f"{runtime_dir}/docker.sock")
    in_home = (
        ".docker/run/docker.sock",  # Docker Desktop for Mac, and rootless without a runtime folder
        ".docker/desktop/docker.sock",  # Docker Desktop for Linux
        ".colima/default/docker.sock",
        ".rd/docker.sock",  # Rancher Desktop
        ".orbstack/run/docker.sock",
    )
    return sockets + [str(home / path) for path in in_home]


def _environment_tls(environ: Mapping[str, str], home: Path) -> TlsFiles | None:
    """Return the TLS settings in DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, as the docker command reads them."""
    verify = bool(environ.get("DOCKER_TLS_VERIFY"))
    cert_path = environ.get("DOCKER_CERT_PATH")
    if not verify and not cert_path:
        return None
    return _tls_files(Path(cert_path) if cert_path else home / ".docker", verify=verify)


def _tls_files(folder: Path, *, verify: bool) -> TlsFiles:
    def present(name: str) -> Path | None:
        path = folder / name
        return path if path.exists() else None

    return TlsFiles(present("ca.pem"), present("cert.pem"), present("key.pem"), verify=verify)


def _current_context(config_dir: Path) -> str:
    try:
        config = read_json(config_dir / "config.json")
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as err:
        raise EngineUnavailable(
            f"cannot read docker's configuration {config_dir / 'config.json'}: {err}; "
            "fix it, or set DOCKER_HOST"
        ) from err
    name = config.get("currentContext") if isinstance(config, dict) else None
    return name if isinstance(name, str) else ""


def _context_endpoint(config_dir: Path, name: str) -> Endpoint:
    """Return a context's endpoint; docker keeps each under the SHA-256 of its name."""
    import hashlib

    digest = hashlib.sha256(name.encode()).hexdigest()
    path = config_dir / "contexts" / "meta" / digest / "meta.json"
    try:
        endpoint = read_json(path)["Endpoints"]["docker"]
        host, skip_verify = str(endpoint["Host"]), bool(endpoint.get("SkipTLSVerify", False))
    except FileNotFoundError as err:
        raise EngineUnavailable(
            f"the docker context {name!r} does not exist; see 'docker context ls', or set DOCKER_HOST"
        ) from err
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
        raise EngineUnavailable(
            f"cannot read the docker context {name!r} from {path}: {err!r}; make it again, or set DOCKER_HOST"
        ) from err
    tls_dir = config_dir / "contexts" / "tls" / digest / "docker"
    tls = _tls_files(tls_dir, verify=not skip_verify) if tls_dir.is_dir() or skip_verify else None
    return Endpoint(f"context {name}", Target(host, tls))


def find(
    environ: Mapping[str, str], home: Path, timeout_s: float = PING_TIMEOUT_S
) -> tuple[Endpoint, Answer]:
    """Return the first endpoint that answers; they are tried in order, each for at most `timeout_s` seconds.

    Raises `EngineUnavailable` with the reason of failure of each.
    """
    refused: list[tuple[Endpoint, Refusal]] = []
    for endpoint in candidates(environ, home):
        result = ping(endpoint.target, timeout_s)
        if isinstance(result, Answer):
            return endpoint, result
        refused.append((endpoint, result))
    raise NoneAnswers(refused)


class NoneAnswers(EngineUnavailable):
    """No endpoint answered; the message has the reason of each."""

    def __init__(self, refused: Sequence[tuple[Endpoint, Refusal]]) -> None:
        super().__init__(_message(refused))
        self.chosen = any(endpoint.source for endpoint, _ in refused)
        """Whether the user chose the engine, by DOCKER_HOST or a context: no other may replace it."""
        self.absent = not self.chosen and all(refusal.absent for _, refusal in refused)
        """Whether no engine is there at all, and none was chosen."""


def _message(refused: Sequence[tuple[Endpoint, Refusal]]) -> str:
    endpoint, refusal = refused[0]
    if endpoint.source:
        return f"no Docker Engine answers: {endpoint}: {refusal.why}; {refusal.advice}"
    present = [(endpoint, refusal) for endpoint, refusal in refused if not refusal.absent]
    missing = [endpoint.target.url.removeprefix("unix://") for endpoint, refusal in refused if refusal.absent]
    parts = [f"{endpoint}: {refusal.why}" for endpoint, refusal in present]
    if missing:
        parts.append("nothing listens at " + ", ".join(missing))
    advice = present[0][1].advice if present else "install Docker Engine or Docker Desktop, or start it"
    return f"no Docker Engine answers: {'; '.join(parts)}; {advice}"


def connect(environ: Mapping[str, str] | None = None, home: Path | None = None) -> docker.DockerClient:
    """Return a client of the engine that answers, after one round trip, which also fixes the API's version.

    The calls of the client time out after `CALL_TIMEOUT_S` seconds. Raises `EngineUnavailable`.
    """
    environ = os.environ if environ is None else environ
    return sdk_client(*find(environ, home or Path.home()))


def sdk_client(endpoint: Endpoint, answer: Answer) -> docker.DockerClient:
    """Return a client of the engine that answered there; its API's version is the one of that answer.

    Raises `EngineUnavailable` if the SDK refuses the engine or its address.
    """
    import docker
    from docker.errors import DockerException

    try:
        return docker.DockerClient(
            base_url=endpoint.target.url,
            version=answer.api_version,
            timeout=CALL_TIMEOUT_S,
            tls=_sdk_tls(endpoint.target.tls),
        )
    except DockerException as err:
        raise EngineUnavailable(
            f"the Docker Engine at {endpoint} cannot be used: {err}; "
            "update it, or choose another by DOCKER_HOST"
        ) from err


def _sdk_tls(tls: TlsFiles | None) -> docker.tls.TLSConfig | bool:
    if tls is None:
        return False
    from docker.tls import TLSConfig

    pair = (str(tls.cert), str(tls.key)) if tls.cert and tls.key else None
    return TLSConfig(client_cert=pair, ca_cert=str(tls.ca) if tls.ca else None, verify=tls.verify)


def main() -> int:
    try:
        endpoint, _ = find(os.environ, Path.home())
    except EngineUnavailable as err:
        print(f"stanlocal: {err}", file=sys.stderr)  # noqa: T201 (a command of its own)
        return 4 if isinstance(err, NoneAnswers) and err.absent else 3
    print(endpoint.target.url)  # noqa: T201
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
