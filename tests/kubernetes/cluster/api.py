"""The API server, as HTTP: what a test asks often, and without a second library's help."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from typing import Any

from tests.kubernetes.cluster.credentials import API_URL
from tests.kubernetes.cluster.errors import ClusterError
from tests.kubernetes.cluster.layout import Paths

_TIMEOUT_S = 10.0


class ApiError(ClusterError):
    """The API server refused a request, or did not answer."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        """HTTP status; None without an answer."""


class Api:
    """Requests in the name of a user whose certificate is among the cluster's credentials."""

    def __init__(self, paths: Paths, user: str = "admin") -> None:
        self._tls = ssl.create_default_context(cafile=paths.certificate("ca"))
        self._tls.load_cert_chain(paths.certificate(user), paths.private_key(user))
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self._tls)
        )

    def text(self, path: str, *, method: str = "GET", body: Any = None) -> str:
        """Return the answer to a request; raise `ApiError` if it is none of success."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(API_URL + path, data, method=method)
        request.add_header("Content-Type", "application/json")
        try:
            with self._opener.open(request, timeout=_TIMEOUT_S) as answer:
                return str(answer.read().decode("utf-8", "replace"))
        except urllib.error.HTTPError as err:
            said = err.read().decode("utf-8", "replace")[:500]
            raise ApiError(f"{method} {path}: HTTP {err.code}: {said}", err.code) from err
        except (OSError, ValueError) as err:
            raise ApiError(f"{method} {path}: {err}") from err

    def get(self, path: str) -> Any:
        """Return the object at this path."""
        return json.loads(self.text(path))

    def post(self, path: str, body: Any) -> Any:
        """Make an object below this path."""
        return json.loads(self.text(path, method="POST", body=body))

    def delete(self, path: str) -> None:
        """Delete what is at this path, if it is there; it may take time to end."""
        try:
            self.text(path, method="DELETE")
        except ApiError as err:
            if err.status != 404:
                raise

    def is_ready(self) -> bool:
        """Return whether the API server serves requests."""
        try:
            return self.text("/readyz") == "ok"
        except ApiError:
            return False

    def exists(self, path: str) -> bool:
        """Return whether there is an object at this path."""
        try:
            self.text(path)
        except ApiError as err:
            if err.status == 404:
                return False
            raise
        return True

    def ready_nodes(self) -> set[str]:
        """Return the names of the nodes that can take pods."""
        return {
            node["metadata"]["name"]
            for node in self.get("/api/v1/nodes")["items"]
            for condition in node["status"].get("conditions", ())
            if (condition["type"], condition["status"]) == ("Ready", "True")
        }
