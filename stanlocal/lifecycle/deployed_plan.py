"""The plan of a group that a cluster runs, read from its objects by the code that `up --from` uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stanlocal.engine.kubernetes.ownership import kept_settings
from stanlocal.engine.kubernetes.pods import name_of, path_of, uid_of
from stanlocal.engine.kubernetes.scale import listed, planned
from stanlocal.engine.kubernetes.workload import Deployment
from stanlocal.imports.deployed import Deployed, container_of, deployed
from stanlocal.model.plan import STORE_DIR, GroupPlan, Listen, NodePlan, Origin
from stanlocal.settings import redacted

_KIND = "StatefulSet"
_UNKNOWN = "unknown"


class DeployedPlans:
    """Reader of workloads; a `stanlocal.engine.kubernetes.workload.Reader`."""

    def __init__(self, server: str, namespace: str, folder: Path) -> None:
        """Take the API server's URL and the namespace; `folder` has a folder for each group's state."""
        self._server = server
        self._namespace = namespace
        self._folder = folder

    def container(self, workload: Mapping[str, Any], files: Sequence[Mapping[str, Any]]) -> str | None:
        return container_of(_KIND, name_of(workload), [{**workload, "kind": _KIND}, *files])

    def read(self, workload: Mapping[str, Any], files: Sequence[Mapping[str, Any]]) -> Deployment | None:
        found = deployed(_KIND, name_of(workload), [{**workload, "kind": _KIND}, *files], {})
        if found is None:
            return None
        is_read = bool(found.ft_group) or not found.problems
        return Deployment(
            self._plan(workload, found),
            found.container,
            is_group=bool(found.ft_group) or not is_read,
            is_read=is_read,
        )

    def _plan(self, workload: Mapping[str, Any], found: Deployed) -> GroupPlan:
        group = name_of(workload)
        settings = kept_settings(workload) or found.settings
        streaming = redacted(
            {
                **settings.get("streaming", {}),
                "cluster_id": found.cluster_id or _UNKNOWN,
                "ft_group_name": found.ft_group or _UNKNOWN,
                **({"nats_server_url": found.nats_url} if found.nats_url else {}),
            }
        )
        pod = path_of(workload, "spec", "template", "spec") or {}
        grace = pod.get("terminationGracePeriodSeconds")
        return GroupPlan(
            group=group,
            image=found.image,
            nodes=tuple(self._nodes(workload, found)),
            store_dir=found.store_dir or STORE_DIR,
            state_dir=str(self._folder / group),
            user="",
            streaming=streaming,
            nats=redacted(settings.get("nats", {})),
            stop_grace_s=int(grace) if isinstance(grace, int) else 30,
            engine="kubernetes",
            in_cluster=True,
            store_mount=None,
            monitor_tls=found.monitor_tls,
            group_id=uid_of(workload),
            origin=Origin(engine=None, address=self._server),
        )

    def _nodes(self, workload: Mapping[str, Any], found: Deployed) -> list[NodePlan]:
        group = name_of(workload)
        service = path_of(workload, "spec", "serviceName") or group
        ports = Listen(client=found.client_port, cluster=found.route_port, monitor=found.monitor_port)
        return [
            NodePlan(
                name=f"{group}-{index}",
                index=index,
                client_port=found.client_port,
                monitor_port=found.monitor_port,
                route_host=f"{group}-{index}.{service}",
                listen=ports,
                host=f"{group}-{index}.{service}.{self._namespace}.svc",
            )
            for index in listed(planned(workload), workload)
        ]
