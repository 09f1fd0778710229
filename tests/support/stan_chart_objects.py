"""A small renderer of the nats/stan chart 0.13: the objects of a release, from values.

Only what `export helm` uses is rendered; `tests.support.stan_chart` writes the stan.conf.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.stan_chart import stan_conf

Json = dict[str, Any]
_CHART = "stan-0.13.0"
_EXPORTER = ("-connz", "-routez", "-subz", "-varz", "-channelz", "-serverz", "http://localhost:8222/")


def objects(values: Mapping[str, Any], release: str) -> list[Json]:
    """The objects that `helm install RELEASE nats/stan -f values.yaml` makes."""
    labels = {"app": release, "chart": _CHART}
    metadata = {"name": release, "labels": labels}
    config_map = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"{release}-config", "labels": labels},
        "data": {"stan.conf": stan_conf(values)},
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {
            "selector": {"app": release},
            "clusterIP": "None",
            "ports": [{"name": "metrics", "port": 7777}, {"name": "monitor", "port": 8222}],
        },
    }
    stateful_set = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": metadata,
        "spec": {
            "selector": {"matchLabels": {"app": release}},
            "replicas": values["stan"]["replicas"],
            "serviceName": release,
            "template": _template(values, release, labels),
        },
    }
    return [config_map, service, stateful_set]


def _template(values: Mapping[str, Any], release: str, labels: Mapping[str, str]) -> Json:
    annotations = {
        "prometheus.io/path": "/metrics",
        "prometheus.io/port": "7777",
        "prometheus.io/scrape": "true",
    }
    claim = values["store"]["volume"]["persistentVolumeClaim"]
    assert claim["existingClaim"], "without it the chart makes a claim of its own"
    volume = f"{release}-pvc"
    spec = {
        "securityContext": values["securityContext"],
        "terminationGracePeriodSeconds": 30,
        "affinity": values["affinity"],
        "containers": [_server(values, release, volume), _metrics(values["exporter"])],
        "volumes": [
            {"name": "config-volume", "configMap": {"name": f"{release}-config", "defaultMode": 0o755}},
            {"name": volume, "persistentVolumeClaim": {"claimName": claim["claimName"]}},
            {"name": "pid", "emptyDir": {}},
        ],
    }
    return {"metadata": {"annotations": annotations, "labels": dict(labels)}, "spec": spec}


def _server(values: Mapping[str, Any], release: str, volume: str) -> Json:
    def from_field(name: str, path: str) -> Json:
        return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}

    assert values["livenessProbe"]["enabled"]
    return {
        "name": "stan",
        "image": values["stan"]["image"],
        "securityContext": values["stan"]["securityContext"],
        "args": ["-sc", "/etc/stan-config/stan.conf"],
        "env": [
            from_field("POD_NAME", "metadata.name"),
            from_field("POD_NAMESPACE", "metadata.namespace"),
            {"name": "CLUSTER_ADVERTISE", "value": f"$(POD_NAME).{release}.$(POD_NAMESPACE).svc"},
            {"name": "STAN_SERVICE_NAME", "value": release},
            {"name": "STAN_REPLICAS", "value": str(values["stan"]["replicas"])},
        ],
        "ports": [{"containerPort": 8222, "name": "monitor"}, {"containerPort": 7777, "name": "metrics"}],
        "resources": values["resources"],
        "readinessProbe": values["readinessProbe"],
        "livenessProbe": values["livenessProbe"]["probe"],
        "volumeMounts": [
            {"name": "config-volume", "mountPath": "/etc/stan-config"},
            {"name": volume, "mountPath": values["store"]["volume"]["mount"]},
            {"name": "pid", "mountPath": "/var/run/stan"},
        ],
    }


def _metrics(exporter: Mapping[str, Any]) -> Json:
    assert exporter["enabled"]
    return {
        "name": "metrics",
        "image": exporter["image"],
        "securityContext": exporter["securityContext"],
        "args": list(_EXPORTER),
        "ports": [{"containerPort": 7777, "name": "metrics"}],
        "resources": exporter["resources"],
    }
