"""Policies that cut pods off, and those of others that leave a cut without effect."""

from __future__ import annotations

from typing import Any

import pytest

from stanlocal.engine.kubernetes.policies import (
    POD,
    CutPods,
    cuts,
    is_protection,
    opening,
    policies_of,
    without,
)

Json = dict[str, Any]
_ANY: list[Json] = [{}]
_WORKLOAD: Json = {
    "metadata": {"name": "stan"},
    "spec": {"selector": {"matchLabels": {"app": "stan"}}},
}
_ALL_BUT_ROUTES = [
    {"protocol": "TCP", "port": 1, "endPort": 6221},
    {"protocol": "TCP", "port": 6223, "endPort": 65535},
    {"protocol": "UDP"},
]


def made(cut: CutPods, port: int = 6222) -> list[Json]:
    """The policies of a cut as the cluster has them: applied by stanlocal."""
    found = policies_of("stan", _WORKLOAD, port, cut)
    for each in found:
        each["metadata"]["managedFields"] = [{"manager": "stanlocal", "operation": "Apply"}]
    return found


def policy(name: str, selector: Json, **rules: Any) -> Json:
    return {"metadata": {"name": name}, "spec": {"podSelector": selector, **rules}}


def pod(name: str = "stan-0") -> Json:
    return {"metadata": {"name": name, "labels": {"app": "stan"}}}


def pods_in(each: Json, operator: str = "In") -> list[str]:
    terms = each["spec"]["podSelector"]["matchExpressions"]
    (found,) = [term["values"] for term in terms if (term["key"], term["operator"]) == (POD, operator)]
    return list(found)


def test_a_partition_takes_routes_from_the_pod_and_routes_to_it_from_the_others() -> None:
    own, rest = made(CutPods(routes=frozenset({"stan-0"})))
    assert (own["spec"]["policyTypes"], rest["spec"]["policyTypes"]) == (["Egress"], ["Egress"])
    assert pods_in(own) == ["stan-0"]
    assert own["spec"]["egress"] == [{"ports": _ALL_BUT_ROUTES}]
    assert rest["spec"]["podSelector"]["matchLabels"] == {"app": "stan"}
    assert pods_in(rest, "NotIn") == ["stan-0"]
    others, routes = rest["spec"]["egress"]
    assert others == {"ports": _ALL_BUT_ROUTES}
    assert routes["ports"] == [{"protocol": "TCP", "port": 6222}]
    (reachable,) = routes["to"]
    assert reachable["podSelector"]["matchExpressions"] == [
        {"key": POD, "operator": "NotIn", "values": ["stan-0"]}
    ]


@pytest.mark.parametrize(("port", "ranges"), [(1, [(2, 65535)]), (65535, [(1, 65534)])])
def test_no_range_of_ports_is_empty(port: int, ranges: list[tuple[int, int]]) -> None:
    ports = made(CutPods(routes=frozenset({"stan-0"})), port)[0]["spec"]["egress"][0]["ports"]
    assert [(each["port"], each["endPort"]) for each in ports if "port" in each] == ranges


def test_an_isolated_pod_may_have_no_traffic() -> None:
    (each,) = made(CutPods(all=frozenset({"stan-0"})))
    assert (each["spec"]["ingress"], each["spec"]["egress"]) == ([], [])
    assert each["spec"]["policyTypes"] == ["Ingress", "Egress"]


@pytest.mark.parametrize(
    "cut",
    [
        CutPods(),
        CutPods(routes=frozenset({"stan-0", "stan-2"})),
        CutPods(all=frozenset({"stan-1"})),
        CutPods(frozenset({"stan-0"}), frozenset({"stan-1"})),
    ],
)
def test_cuts_are_recognized_by_their_policies(cut: CutPods) -> None:
    found = made(cut)
    assert cuts([policy("deny", {}), *found], "stan") == cut
    assert cuts(found, "other") == CutPods()
    for each in found:
        del each["metadata"]["managedFields"]
    assert cuts(found, "stan") == CutPods()


def test_each_pod_of_several_cuts_is_in_one_policy_for_them() -> None:
    """Policies add up: one that is made for one cut would allow what another takes away."""
    isolating, parting, rest = made(CutPods(frozenset({"stan-0", "stan-1"}), frozenset({"stan-2"})))
    assert (pods_in(isolating), pods_in(parting)) == (["stan-2"], ["stan-0", "stan-1"])
    assert pods_in(rest, "NotIn") == ["stan-0", "stan-1", "stan-2"]


def test_cuts_of_a_pod_replace_each_other() -> None:
    cut = CutPods().but("a", "routes").but("b", "routes").but("a", "all")
    assert cut == CutPods(frozenset({"b"}), frozenset({"a"}))
    assert cut.but("a", "routes") == cut
    assert (cut.extent("a"), cut.extent("b"), cut.extent("c")) == ("all", "routes", None)
    assert cut.but("a", None).but("b", None) == CutPods()


@pytest.mark.parametrize(
    ("selector", "is_selected"),
    [
        ({}, True),
        ({"matchLabels": {"app": "stan"}}, True),
        ({"matchLabels": {"app": "db"}}, False),
        ({"matchLabels": {POD: "stan-0"}}, True),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["stan"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["stan"]}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, False),
    ],
)
def test_a_policy_that_allows_a_pod_something_stands_in_the_way(selector: Json, is_selected: bool) -> None:
    pods = {"stan-0": pod()}
    sends, receives = policy("sends", selector, egress=_ANY), policy("receives", selector, ingress=_ANY)
    closed = policy("closed", selector, ingress=[], egress=[])
    given = [sends, receives, closed, *made(CutPods(frozenset({"stan-0"})))]
    assert opening(given, pods, "all") == ([sends, receives] if is_selected else [])
    assert opening(given, pods, "routes") == ([sends] if is_selected else [])


def test_the_groups_own_policy_leaves_isolated_pods_out_and_takes_them_back() -> None:
    own = policy("stan-routes", {"matchLabels": {"app": "stan"}}, ingress=_ANY)
    own["metadata"] |= {
        "labels": {"app.kubernetes.io/managed-by": "stanlocal", "app.kubernetes.io/instance": "stan"},
        "managedFields": [{"manager": "stanlocal", "operation": "Apply"}],
    }
    assert is_protection(own, "stan")
    assert not is_protection(own, "other")
    assert not any(is_protection(each, "stan") for each in made(CutPods(all=frozenset({"stan-0"}))))
    assert without(own, []) is None
    patch = without(own, {"stan-0"})
    assert patch is not None
    own["spec"]["podSelector"] |= patch["spec"]["podSelector"]
    assert opening([own], {"stan-0": pod()}, "all") == []
    assert opening([own], {"stan-1": pod("stan-1")}, "all") == [own]
    assert without(own, {"stan-0"}) is None
    assert without(own, []) == {"spec": {"podSelector": {"matchExpressions": None}}}
