"""The values of the nats/stan chart."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from stanlocal.errors import SettingsError
from stanlocal.export.helm import Chart, left_out, render
from stanlocal.model.plan import GroupPlan
from tests.unit.export.plans import a_plan


def values(plan: GroupPlan, chart: Chart | None = None) -> dict[str, Any]:
    """The exported values, read."""
    found: dict[str, Any] = yaml.safe_load(render(plan, chart or Chart("stan")))
    return found


def test_the_values_have_the_guides_shape() -> None:
    found = values(a_plan())
    assert found["stan"]["nats"]["url"] == "nats://nats:4222"
    assert found["stan"]["replicas"] == 2
    assert found["store"]["type"] == "file"
    assert found["store"]["ft"] == {"group": "test-cluster"}
    assert found["store"]["file"]["path"] == "/data/stan/store"
    assert found["store"]["volume"]["persistentVolumeClaim"]["claimName"] == "stan-efs"


def test_sizes_are_such_as_the_charts_templates_hand_on() -> None:
    """File options become JSON, which has no units; limits are printed, which makes 2.7e+11 of a number."""
    store = values(a_plan())["store"]
    assert store["file"]["options"]["buffer_size"] == 32 << 20
    assert store["limits"]["max_bytes"] == "256gb"


def test_limits_of_channels_are_exported() -> None:
    channels = {"foo.>": {"max_bytes": "1mb", "max_msgs": 5}, "bar": {}}
    plan = a_plan({"streaming": {"partitioning": True, "store_limits": {"channels": channels}}})
    store = values(plan)["store"]
    assert store["limits"]["channels"] == {"bar": {}, "foo.>": {"max_msgs": 5, "max_bytes": "1mb"}}
    assert store["partitioning"] == {"enabled": True}


def test_settings_without_a_chart_value_are_listed_in_the_text_and_to_the_caller() -> None:
    plan = a_plan({"streaming": {"hb_interval": "5s"}, "nats": {"ping_interval": "1s"}})
    missing = left_out(plan)
    assert [line.partition(":")[0] for line in missing] == ["streaming.hb_interval", "nats.ping_interval"]
    text = render(plan, Chart("stan"))
    assert all(line in text for line in missing)


def test_no_secret_is_in_the_values() -> None:
    plan = a_plan({"streaming": {"encryption_key": "t0p-s3cret", "username": "u", "password": "t0p-s3cret"}})
    assert "t0p-s3cret" not in render(plan, Chart("stan"))


@pytest.mark.parametrize("chart", [{"name": "Stan"}, {"name": "stan", "claim": "a_b"}])
def test_names_that_kubernetes_refuses_are_refused(chart: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="refused by Kubernetes"):
        Chart(**chart)
