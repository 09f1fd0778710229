"""The group as values of the nats/stan chart: the guide's second half, beside a NATS server of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stanlocal.export import quantity
from stanlocal.export.pod import STORE_MOUNT
from stanlocal.export.yamltext import Noted, document
from stanlocal.model.plan import STORE_DIR, GroupPlan
from stanlocal.settings.layer import dotted
from stanlocal.settings.schema import Kind, Table
from stanlocal.settings.store import FILE_OPTIONS, STORE_LIMITS
from stanlocal.settings.values import format_size

NATS_URL = "nats://nats:4222"
"""URL of the server that `helm install nats nats/nats` makes."""
CLAIM = "stan-efs"
"""Name of the guide's claim."""

_TAKEN = frozenset(
    {
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
)
"""Streaming options that the chart has values for."""


@dataclass(frozen=True, slots=True)
class Chart:
    """The chart's parameters besides the plan."""

    name: str
    """Name of the release."""
    nats_url: str | None = None
    """URL of the NATS server that the chart's servers use; None: the group's, or else the guide's."""
    claim: str = CLAIM

    def __post_init__(self) -> None:
        quantity.name(self.name, "name")
        quantity.object_name(self.claim, "claim")


def render(plan: GroupPlan, chart: Chart) -> str:
    """Return the values; settings without a value in the chart are listed in their comments."""
    return document(_values(plan, chart), _header(plan, chart))


def left_out(plan: GroupPlan) -> list[str]:
    """Return the settings that the chart has no value for, by dotted name, each with the reason."""
    streaming = [
        f"{dotted(('streaming', name))}: the chart has no value for it"
        for name in plan.streaming
        if name not in _TAKEN
    ]
    return [
        *streaming,
        *(f"{dotted(('nats', name))}: set it on the NATS server, {name} is its own" for name in plan.nats),
    ]


def _values(plan: GroupPlan, chart: Chart) -> dict[str, Any]:
    streaming = plan.streaming
    store: dict[str, Any] = {
        "type": "file",
        "ft": {"group": plan.ft_group},
        "file": {
            "path": STORE_DIR,
            "options": Noted(
                _options(FILE_OPTIONS, streaming.get("file_options", {}), sizes_as_text=False),
                "Sizes in bytes: the chart hands these to the server as JSON, which has no units.",
            ),
        },
        "limits": _options(STORE_LIMITS, streaming.get("store_limits", {}), sizes_as_text=True),
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
    return {
        "stan": {
            "image": plan.image,
            "replicas": len(plan.nodes),
            "clusterID": Noted(
                plan.cluster_id, "Not in the guide, whose cluster id is the release's name, stan."
            ),
            "logging": {
                "debug": bool(streaming.get("stan_debug")),
                "trace": bool(streaming.get("stan_trace")),
            },
            "nats": {
                "url": Noted(
                    chart.nats_url or ",".join(plan.external_nats) or NATS_URL,
                    "The chart runs the servers beside a NATS server, not in it.",
                )
            },
        },
        "store": store,
        "exporter": {"enabled": True},
    }


def _options(table: Table, values: Mapping[str, Any], *, sizes_as_text: bool) -> dict[str, Any]:
    return dict(_each_option(table, values, sizes_as_text))


def _each_option(table: Table, values: Mapping[str, Any], sizes_as_text: bool) -> Iterator[tuple[str, Any]]:
    """Return the options in the tables' order.

    Sizes among the limits become text with a unit: the chart would print large numbers with an exponent.
    """
    for option in table.options:
        value: Any = values.get(option.name)
        if value is None:
            continue
        if option.kind is Kind.SIZE and sizes_as_text:
            value = format_size(value)
        if option.kind is Kind.MAP and option.table is not None:
            value = _channels(option.table, value)
        yield option.name, value


def _channels(table: Table, limits: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {name: _options(table, limits[name], sizes_as_text=True) for name in sorted(limits)}


def _header(plan: GroupPlan, chart: Chart) -> str:
    lines = [
        f"The NATS Streaming FT group '{chart.name}' as values of the nats/stan chart, from",
        "'stanlocal export helm'. The chart is no longer developed; 'export kubernetes' needs none.",
        "",
        "  helm repo add nats https://nats-io.github.io/k8s/helm/charts/",
        "  helm install nats nats/nats                              # the NATS server",
        f"  helm install {chart.name} nats/stan -f values.yaml".ljust(59) + "# stanlocal up",
        f"  kubectl get pods -l app={chart.name}".ljust(59) + "# stanlocal status",
        "  kubectl port-forward nats-0 4222:4222 &                  # not needed: ports are published",
        f"  stan-pub -c {plan.cluster_id} foo bar.1".ljust(59) + "# stanlocal pub foo bar.1",
        f"  stan-sub -c {plan.cluster_id} -all foo".ljust(59) + "# stanlocal sub foo --all",
        "",
        f"The claim {chart.claim} has to be there; 'stanlocal export kubernetes --storage azurefile --claim",
        f"{chart.claim}' makes one, among the rest.",
    ]
    if missing := left_out(plan):
        lines += ["", "Not in here:", *(f"  {line}" for line in missing)]
    return "\n".join(lines)


__all__ = ["CLAIM", "NATS_URL", "Chart", "left_out", "render"]
