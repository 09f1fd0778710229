"""The group as values of the nats/stan chart: the guide's second half, beside a NATS server of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stanlocal.export import chart_login, quantity
from stanlocal.export.chart_login import Login, login
from stanlocal.export.chart_text import LARGEST_NUMBER, printed, printed_key
from stanlocal.export.pod import (
    CPU,
    MEMORY,
    MEMORY_LIMIT,
    METRICS_IMAGE,
    METRICS_RESOURCES,
    SERVER_USER,
    STORE_MOUNT,
    apart,
    confined,
    liveness,
    readiness,
    resources,
)
from stanlocal.export.yamltext import Noted, document
from stanlocal.model.plan import STORE_DIR, GroupPlan
from stanlocal.render.container_spec import container
from stanlocal.settings.layer import Key, dotted, leaves
from stanlocal.settings.schema import Kind, Table
from stanlocal.settings.store import FILE_OPTIONS, STORE_LIMITS
from stanlocal.settings.values import format_size

NATS_URL = "nats://nats:4222"
"""URL of the server that `helm install nats nats/nats` makes."""
CLAIM = "stan-efs"
"""Name of the guide's claim."""
_PROBED = "monitor"
"""Name of the monitor's port in the chart."""

_TAKEN = chart_login.TAKEN | {
    "cluster_id",
    "ft_group_name",
    "store",
    "file_options",
    "store_limits",
    "nats_server_url",
    "partitioning",
    "stan_debug",
    "stan_trace",
}
"""Streaming options that the chart has values for."""
_NO_VALUE = "the chart has no value for it"


@dataclass(frozen=True, slots=True)
class Chart:
    """The chart's parameters besides the plan."""

    name: str
    """Name of the release."""
    nats_url: str | None = None
    """URL of the NATS server that the chart's servers use; None: the group's, or else the guide's."""
    claim: str = CLAIM
    metrics_image: str = METRICS_IMAGE
    cpu: str = CPU
    memory: str = MEMORY
    memory_limit: str = MEMORY_LIMIT

    def __post_init__(self) -> None:
        quantity.name(self.name, "name")
        quantity.object_name(self.claim, "claim")
        quantity.quantity(self.cpu, "cpu")
        quantity.quantity(self.memory, "memory")
        quantity.quantity(self.memory_limit, "memory limit")


def render(plan: GroupPlan, chart: Chart) -> str:
    """Return the values; settings without a value in the chart are listed in their comments.

    They hold no secrets: the comments say how each comes into the cluster.
    """
    own = login(plan, chart.name)
    return document(_values(plan, chart, own), _header(plan, chart, own))


def left_out(plan: GroupPlan) -> list[str]:
    """Return the settings that the chart has no value for, by dotted name, each with the reason."""
    streaming = [
        f"{dotted(('streaming', name))}: {_NO_VALUE}" for name in plan.streaming if name not in _TAKEN
    ]
    below = [
        f"{dotted(key)}: {why}"
        for name in ("file_options", "store_limits")
        for key, value in leaves(plan.streaming.get(name, {}), ("streaming", name))
        if (why := _why_not(key, value))
    ]
    return [
        *streaming,
        *below,
        *(f"{dotted(('nats', name))}: set it on the NATS server, {name} is its own" for name in plan.nats),
    ]


def _why_not(key: Key, value: Any) -> str | None:
    """Return why the chart cannot hand on an option of the store; None if it can."""
    if key[-1] == "slice_archive_script":
        return "the chart mounts no script but its own, store.backup"
    if key[-1] != "max_bytes" and type(value) is int and abs(value) > LARGEST_NUMBER:
        return f"the chart hands on numbers up to {LARGEST_NUMBER}"
    return None


def _values(plan: GroupPlan, chart: Chart, own: Login) -> dict[str, Any]:
    security = _security(plan)
    return {
        "stan": {
            "image": plan.image,
            "replicas": len(plan.nodes),
            "clusterID": Noted(
                printed(plan.cluster_id),
                "Not in the guide, whose cluster id is the release's name, stan.",
            ),
            "logging": {
                "debug": bool(plan.streaming.get("stan_debug")),
                "trace": bool(plan.streaming.get("stan_trace")),
            },
            "nats": {
                "url": Noted(
                    printed(_nats_url(plan, chart)),
                    "The chart runs the servers beside a NATS server, not in it.",
                )
            },
            **own.values,
            "securityContext": Noted(security, "Not in the guide: the same as stanlocal runs them with."),
        },
        "store": _store(plan, chart),
        "exporter": {
            "enabled": True,
            "image": Noted(
                chart.metrics_image,
                "The chart's is the newest, which knows no NATS Streaming: 0.17.0 dropped -channelz and "
                "-serverz, so that the pod would never be ready, and no standby would start.",
            ),
            "securityContext": security,
            "resources": METRICS_RESOURCES,
        },
        "securityContext": Noted(
            {"fsGroup": SERVER_USER},
            "One entry: the chart's template indents a second one wrongly. The others are those above.",
        ),
        "affinity": Noted(
            apart(chart.name),
            "The chart's own keeps a node away as long as there is no machine without one.",
        ),
        "resources": Noted(
            resources(chart.cpu, chart.memory, chart.memory_limit),
            "No limit of CPU: a throttled active misses its heartbeats.",
        ),
        "livenessProbe": {"enabled": True, "probe": liveness(_PROBED)},
        "readinessProbe": Noted(
            readiness(_PROBED),
            "The chart's own asks /streaming/serverz, which does not answer while the store is read.",
        ),
    }


def _security(plan: GroupPlan) -> dict[str, Any]:
    return {
        "runAsNonRoot": True,
        "runAsUser": SERVER_USER,
        "runAsGroup": SERVER_USER,
        "seccompProfile": {"type": "RuntimeDefault"},
        **confined(container(plan, plan.nodes[0])),
    }


def _nats_url(plan: GroupPlan, chart: Chart) -> str:
    """Return the URLs of the NATS servers; the scheme tells the chart's servers to use TLS."""
    if chart.nats_url:
        return chart.nats_url
    urls = ",".join(plan.external_nats) or NATS_URL
    return urls.replace("nats://", "tls://") if plan.streaming.get("secure") else urls


def _store(plan: GroupPlan, chart: Chart) -> dict[str, Any]:
    streaming = plan.streaming
    store: dict[str, Any] = {
        "type": "file",
        "ft": {"group": printed(plan.ft_group)},
        "file": {
            "path": STORE_DIR,
            "options": Noted(
                _options(
                    FILE_OPTIONS, streaming.get("file_options", {}), ("file_options",), sizes_as_text=False
                ),
                "Sizes in bytes: the chart hands these to the server as JSON, which has no units.",
            ),
        },
        "limits": _options(
            STORE_LIMITS, streaming.get("store_limits", {}), ("store_limits",), sizes_as_text=True
        ),
        "volume": {
            "enabled": True,
            "mount": Noted(STORE_MOUNT, "Mount path of the volume."),
            "persistentVolumeClaim": Noted(
                {
                    "existingClaim": Noted(
                        True, "Not in the guide: later charts make a claim of their own without it."
                    ),
                    "claimName": chart.claim,
                },
                "Fault tolerance needs one ReadWriteMany volume for all replicas.",
            ),
        },
    }
    if streaming.get("partitioning"):
        store["partitioning"] = {"enabled": True}
    return store


def _options(table: Table, values: Mapping[str, Any], at: Key, *, sizes_as_text: bool) -> dict[str, Any]:
    return dict(_each_option(table, values, at, sizes_as_text))


def _each_option(
    table: Table, values: Mapping[str, Any], at: Key, sizes_as_text: bool
) -> Iterator[tuple[str, Any]]:
    """Yield the options in the tables' order.

    Sizes among the limits become text with a unit: the chart would print large numbers with an exponent, and
    nothing for 0.
    """
    for option in table.options:
        value: Any = values.get(option.name)
        if value is None or _why_not((*at, option.name), value):
            continue
        if option.kind is Kind.SIZE and sizes_as_text:
            value = format_size(value)
        if option.kind is Kind.MAP and option.table is not None:
            value = _channels(option.table, value, (*at, option.name))
        yield option.name, value


def _channels(table: Table, limits: Mapping[str, Mapping[str, Any]], at: Key) -> dict[str, Any]:
    return {
        printed_key(name): _options(table, limits[name], (*at, name), sizes_as_text=True)
        for name in sorted(limits)
    }


def _header(plan: GroupPlan, chart: Chart, own: Login) -> str:
    install = f"  helm install {chart.name} nats/stan -f values.yaml"
    handed = [f"    --set-file {value}={value.rpartition('.')[2]}.txt" for value in own.files]
    lines = [
        f"The NATS Streaming FT group '{chart.name}' as values of the nats/stan chart, from",
        "'stanlocal export helm'. The chart is no longer developed; 'export kubernetes' needs none.",
        "",
        "  helm repo add nats https://nats-io.github.io/k8s/helm/charts/",
        "  helm install nats nats/nats                              # the NATS server",
        *([f"{install} \\", *handed] if handed else [install.ljust(59) + "# stanlocal up"]),
        f"  kubectl get pods -l app={chart.name}".ljust(59) + "# stanlocal status",
        "  kubectl port-forward nats-0 4222:4222 &                  # not needed: ports are published",
        f"  stan-pub -c {plan.cluster_id} foo bar.1".ljust(59) + "# stanlocal pub foo bar.1",
        f"  stan-sub -c {plan.cluster_id} -all foo".ljust(59) + "# stanlocal sub foo --all",
        "",
        f"The claim {chart.claim} has to be there; 'stanlocal export kubernetes --storage azurefile --claim",
        f"{chart.claim}' makes one, among the rest.",
    ]
    for value, setting in own.files.items():
        file = f"{value.rpartition('.')[2]}.txt"
        lines += ["", f"{file} holds {setting} in double quotes, as the chart prints it without any:"]
        lines += [f'  read -rs SECRET && printf \'"%s"\' "$SECRET" >{file}']
    if own.commands:
        lines += ["", "Files are not in here:", *(f"  {line}" for line in own.commands)]
    if missing := left_out(plan):
        lines += ["", "Not in here:", *(f"  {line}" for line in missing)]
    return "\n".join(lines)


__all__ = ["CLAIM", "NATS_URL", "Chart", "left_out", "render"]
