"""The terminal interface and the metrics of a group on a cluster, through a failover."""

from __future__ import annotations

import asyncio
import json
import urllib.request

import pytest
from prometheus_client import parser

from stanlocal.model.states import GroupState
from tests.kubernetes.guides_group import healthy
from tests.kubernetes.sites import Site
from tests.support.cli import interrupt
from tests.tui.conftest import running, shown, until

pytestmark = pytest.mark.timeout(180)


def actives(url: str) -> dict[str, float]:
    """Return for each node whether its server says that it is active, from one scrape."""
    with urllib.request.urlopen(url, timeout=30) as answer:
        families = parser.text_string_to_metric_families(answer.read().decode())
    samples = [sample for family in families for sample in family.samples]
    return {each.labels["server_id"]: each.value for each in samples if each.name == "nss_server_active"}


async def test_metrics_tell_which_pod_is_active(any_site: Site) -> None:
    async with healthy(any_site) as (group, first):
        with any_site.cli().started("metrics", "--listen", "127.0.0.1:0", "--json") as serving:
            assert serving.stdout is not None
            url = json.loads(await asyncio.to_thread(serving.stdout.readline))["url"]
            both = {"stan-0": 0.0, "stan-1": 0.0}
            assert await asyncio.to_thread(actives, url) == {**both, first: 1.0}
            await any_site.delete(first)
            await group.wait_state(GroupState.HEALTHY, timeout=any_site.timeout)
            now = (await group.look()).status.active
            assert now is not None
            async with asyncio.timeout(any_site.timeout):
                while await asyncio.to_thread(actives, url) != {**both, now: 1.0}:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
            code, _, error = await asyncio.to_thread(interrupt, serving)
            assert (code, "Traceback" in error) == (130, False)


async def test_the_interface_shows_the_pods_and_a_failover(any_site: Site) -> None:
    async with healthy(any_site) as (group, active), running(group) as pilot:
        await until(pilot, lambda: "healthy" in shown(pilot), timeout=any_site.timeout)
        text = shown(pilot)
        assert "stan-0" in text
        assert "stan-1" in text
        assert f"{active} is active" in text
        await any_site.delete(active)
        await group.wait_state(GroupState.HEALTHY, timeout=any_site.timeout)
        now = (await group.look()).status.active
        await until(pilot, lambda: f"healthy, {now} is active" in shown(pilot), timeout=any_site.timeout)
