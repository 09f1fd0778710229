"""The way to a pod's monitor: the API server's proxy, which needs no port on this machine."""

from __future__ import annotations

from dataclasses import dataclass

from stanlocal.engine.kubernetes.api import Api
from stanlocal.engine.kubernetes.errors import message_of
from stanlocal.errors import EngineError


@dataclass(frozen=True, slots=True)
class ProxiedMonitor:
    """A pod's monitor; a `stanlocal.model.plan.MonitorRoute`."""

    api: Api
    pod_path: str
    """Path of the pod in the API."""
    port: int
    tls: bool
    address: str
    """Address within the cluster."""

    @property
    def url(self) -> str:
        return self.address

    async def get(self, path: str, limit: int) -> tuple[int, bytes]:
        folder, _, name = self.pod_path.rpartition("/")
        pod = f"https:{name}:{self.port}" if self.tls else f"{name}:{self.port}"
        try:
            status, body = await self.api.ask(f"{folder}/{pod}/proxy{path}", limit)
        except EngineError as error:
            raise ConnectionError(str(error)) from error
        if status >= 500 or (status in (403, 404) and b'"Status"' in body):  # the API server's own answer
            failure = PermissionError if status == 403 else ConnectionError
            raise failure(message_of(body))
        return status, body
