"""Plans as JSON: the same plan comes back, and anything else is refused."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.model import plan_json
from stanlocal.model.placement import plan_group
from stanlocal.model.plan import GroupPlan
from tests.support.facts import group_plan

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
OPTIONS = st.dictionaries(st.text(max_size=8), JSON, max_size=4)
PORTS = st.integers(1, 65535)


@given(
    group=st.text(max_size=9),
    ports=st.lists(st.tuples(PORTS, PORTS), max_size=4),
    streaming=OPTIONS,
    nats=OPTIONS,
    store_dir=st.text(),
)
def test_a_plan_survives_json(
    group: str, ports: list[tuple[int, int]], streaming: dict[str, Any], nats: dict[str, Any], store_dir: str
) -> None:
    plan = plan_group(
        group=group,
        image="i",
        ports=ports,
        store_dir=store_dir,
        state_dir="/state",
        user="1:1",
        streaming={**streaming, "cluster_id": "c", "ft_group_name": "f"},
        nats=nats,
    )
    assert plan_json.from_json(plan_json.to_json(plan)) == plan


def test_a_plan_is_json_of_one_line_without_what_it_derives() -> None:
    text = plan_json.to_json(group_plan())
    assert "\n" not in text
    assert set(json.loads(text)) == {field.name for field in fields(GroupPlan)}


def test_fields_of_a_later_version_are_left_out() -> None:
    data = json.loads(plan_json.to_json(group_plan()))
    data["nodes"][0]["listen"]["gateway"] = data["nodes"][1]["colour"] = data["planet"] = 7
    assert plan_json.from_json(json.dumps(data)) == group_plan()


@pytest.mark.parametrize(
    "text", ["", "7", "null", "[]", "{}", '{"nodes":[]}', '{"nodes":7}', '{"nodes":[7]}', "[" * 99_999]
)
def test_text_that_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not the plan of a group"):
        plan_json.from_json(text)
