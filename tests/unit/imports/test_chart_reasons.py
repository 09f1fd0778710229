"""Reasons for values of the nats/stan chart that have no place in a local group."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.imports.imported import imported, reported, settings

_GROUP = "stan: {replicas: 2, clusterID: c}\nstore: {type: file, ft: {group: g}}\n"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (
            "clusterReadinessProbe: {enabled: true, probe: {exec: {command: [sh]}}}",
            "stanlocal reads logs and monitor itself",
        ),
        ("livenessProbe: {enabled: true}", "stanlocal reads logs and monitor itself"),
        ("cluster: {enabled: true, name: x}", "stanlocal writes the routes"),
        ("serviceAccountName: stan", "the servers need no rights in a cluster"),
        ("podAnnotations: {a: b}", "stanlocal finds its nodes by labels"),
        ("leafnodes: {enabled: true}", "stanlocal publishes the ports of clients and monitoring only"),
        ("reloader: {enabled: true}", "'stanlocal up' applies changed settings"),
        ("nats: {limits: {maxPings: 5}}", "no template of the chart reads it; nats.maxPings counts"),
        (
            "nats: {limits: {writeDeadline: 5s}}",
            "no template of the chart reads it; nats.writeDeadline counts",
        ),
        ("nats: {serverTags: a}", "no template of the chart reads it"),
        ("replicas: 7", "no template of the chart reads it"),
    ],
)
def test_every_value_has_its_reason(tmp_path: Path, value: str, reason: str) -> None:
    lines = reported(imported(tmp_path, {"values.yaml": f"{_GROUP}{value}\n"}))
    assert [line for line in lines if f" left out: {reason}" in line]
    assert not [line for line in lines if "no counterpart" in line]


def test_the_values_that_the_templates_read_count(tmp_path: Path) -> None:
    values = f"{_GROUP}nats: {{maxPings: 5, writeDeadline: 40s}}\n"
    nats = settings(tmp_path, {"values.yaml": values}).nats
    assert (nats["ping_max"], nats["write_deadline"]) == (5, "40s")


def test_empty_values_are_not_listed(tmp_path: Path) -> None:
    values = f"{_GROUP}nameOverride: ''\nserviceAccountName: ''\naffinity: {{}}\ntolerations: []\n"
    assert reported(imported(tmp_path, {"values.yaml": values})) == []
