"""A Docker Engine's API that has one running group, and records which requests it gets."""

from __future__ import annotations

import json
import os
import re
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar

from stanlocal.engine.docker.labels import GROUP, Labels
from stanlocal.model.placement import plan_group
from stanlocal.model.plan import GroupPlan, NodePlan
from tests.support.facts import STREAMING

_PORTS = ((1, 2), (3, 4))
"""Client and monitor ports of the nodes; nothing listens there."""


class _Handler(BaseHTTPRequestHandler):
    answers: ClassVar[Mapping[str, Any]]
    requests: ClassVar[list[str]]

    def do_GET(self) -> None:
        path = re.sub(r"^/v[0-9.]+", "", self.path.partition("?")[0])
        self.requests.append(path)
        found = self.answers.get(path)
        body = found if isinstance(found, bytes) else json.dumps(found).encode()
        self.send_response(404 if found is None else 200)
        self.send_header("Api-Version", "1.41")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        """Return no address: the socket has none."""
        return "-"

    def log_message(self, *_: object) -> None:
        """Log nothing."""


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


@contextmanager
def engine_with_a_group(socket: Path, group: str) -> Iterator[list[str]]:
    """An engine with a group of two running nodes; yields the paths of the requests so far."""
    requests: list[str] = []
    handler = type("Handler", (_Handler,), {"answers": _answers(group), "requests": requests})
    with _Server(str(socket), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield requests
        finally:
            server.shutdown()


def _answers(group: str) -> dict[str, Any]:
    plan = plan_group(
        group=group,
        image="nats-streaming:0.25.6",
        ports=_PORTS,
        store_dir="/nowhere/store",
        state_dir="/nowhere",
        user="65532:65532",
        streaming=STREAMING,
        nats={},
    )
    nodes = {node.name: _container(plan, node) for node in plan.nodes}
    answers: dict[str, Any] = {
        "/_ping": b"OK",
        "/containers/json": [
            {"Id": each["Id"], "Labels": each["Config"]["Labels"]} for each in nodes.values()
        ],
        "/networks": [{"Id": "n", "Labels": {GROUP: group}}],
    }
    for each in nodes.values():
        answers[f"/containers/{each['Id']}/json"] = each
    for name in nodes:
        answers[f"/containers/{name}/logs"] = b""
    return answers


def _container(plan: GroupPlan, node: NodePlan) -> dict[str, Any]:
    return {
        "Id": f"{node.index}" * 64,
        "Name": f"/{node.name}",
        "Config": {"Labels": Labels(str(os.getuid())).of_node(plan, node, "f")},
        "NetworkSettings": {"Networks": {plan.client_network: {}, plan.cluster_network: {}}},
        "State": {
            "Status": "running",
            "Running": True,
            "Paused": False,
            "OOMKilled": False,
            "Pid": 0,
            "ExitCode": 0,
            "Error": "",
            "StartedAt": "2026-11-23T09:00:00.5Z",
            "FinishedAt": "0001-01-01T00:00:00Z",
        },
    }
