"""The Kubernetes objects: valid for every version known, complete, and what production expects."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import kubernetes_validate
import pytest
import yaml

from stanlocal.errors import SettingsError
from stanlocal.export.kubernetes import Deployment, conf, render
from stanlocal.export.objects import KINDS, Kind, Storage
from stanlocal.model.plan import GroupPlan
from stanlocal.natsconf import parse, plain
from stanlocal.render.stan_conf import render as node_conf
from tests.seed import by_name
from tests.support import natsconf as independent
from tests.unit.export.plans import a_plan

_VERSIONS = kubernetes_validate.utils.all_versions()
_OLDEST, _NEWEST = _VERSIONS[0], _VERSIONS[-1]

_STORES = [
    *(Storage(kind, "stan-store") for kind in KINDS),
    Storage("efs", "stan-store", legacy_provisioner=True),
    Storage("efs", "stan-store", storage_class="fast"),
    Storage("azurefile", "stan-efs", storage_class="azurefile"),
]


def objects(plan: GroupPlan, deployment: Deployment) -> dict[str, dict[str, Any]]:
    """The exported objects by `Kind/name`."""
    return by_name(list(yaml.safe_load_all(render(plan, deployment))))


def stan(kind: Kind = "efs") -> Deployment:
    """A deployment under the guide's name."""
    return Deployment("stan", Storage(kind, "stan-store"))


@pytest.mark.parametrize("version", [_OLDEST, _NEWEST])
@pytest.mark.parametrize("store", _STORES, ids=str)
def test_every_object_is_valid(store: Storage, version: str) -> None:
    plan = a_plan(
        {
            "nodes": 3,
            "streaming": {"encryption_key": "secret"},
            "nats": {"tls": {"cert_file": "/c.pem", "key_file": "/k.pem"}},
        }
    )
    for made in objects(plan, Deployment("stan", store, namespace="messaging")).values():
        kubernetes_validate.validate(made, version, strict=True)


def test_the_validator_knows_versions_some_years_apart() -> None:
    assert int(_NEWEST.split(".")[1]) - int(_OLDEST.split(".")[1]) >= 5


@pytest.mark.parametrize(
    ("store", "expected"),
    [
        (Storage("efs", "c"), ["StorageClass/stan-efs", "PersistentVolumeClaim/c"]),
        (Storage("azurefile", "c"), ["StorageClass/stan-azurefile", "PersistentVolumeClaim/c"]),
        (Storage("nfs", "c"), ["PersistentVolume/default-c", "PersistentVolumeClaim/c"]),
        (Storage("existing-claim", "c"), []),
        (Storage("efs", "c", storage_class="mine"), ["PersistentVolumeClaim/c"]),
    ],
    ids=str,
)
def test_each_storage_makes_what_it_needs_before_the_group(store: Storage, expected: list[str]) -> None:
    found = list(objects(a_plan(), Deployment("stan", store)))
    group = ["Service/stan", "ConfigMap/stan-config", "StatefulSet/stan", "PodDisruptionBudget/stan"]
    assert found == [*expected, *group]


@pytest.mark.parametrize("kind", ["efs", "azurefile", "nfs"])
def test_the_claim_may_be_written_by_many_pods_and_is_the_one_that_they_mount(kind: Kind) -> None:
    found = objects(a_plan(), stan(kind))
    assert found["PersistentVolumeClaim/stan-store"]["spec"]["accessModes"] == ["ReadWriteMany"]
    volumes = found["StatefulSet/stan"]["spec"]["template"]["spec"]["volumes"]
    assert {"name": "store", "persistentVolumeClaim": {"claimName": "stan-store"}} in volumes


def test_no_mount_option_keeps_locks_from_the_server() -> None:
    options = objects(a_plan(), stan("azurefile"))["StorageClass/stan-azurefile"]["mountOptions"]
    assert "nobrl" not in options


def test_the_pods_run_the_configuration_that_the_engine_runs_under_their_own_names() -> None:
    plan = a_plan({"nodes": 3})
    text = objects(plan, stan())["ConfigMap/stan-config"]["data"]["stan.conf"]
    assert text == conf(plan, stan())
    for node in plan.nodes:
        address = f"{node.name}.stan.default.svc"
        pod = plain(parse(text, environ={"POD_NAME": node.name, "CLUSTER_ADVERTISE": address}))
        local = independent.parse(node_conf(plan, node))
        assert pod.pop("client_advertise") == address
        assert pod["cluster"].pop("cluster_advertise") == address
        del local["client_advertise"], local["cluster"]["cluster_advertise"]
        assert pod == local


def test_names_and_namespace_are_everywhere() -> None:
    found = objects(a_plan(), Deployment("events", Storage("efs", "events-store"), namespace="messaging"))
    for title, made in found.items():
        if not title.startswith("StorageClass"):
            assert made["metadata"]["namespace"] == "messaging", title
    assert "nats://events-0.events:6222" in found["ConfigMap/events-config"]["data"]["stan.conf"]
    spec = found["StatefulSet/events"]["spec"]
    assert spec["serviceName"] == "events"
    variables = {each["name"]: each for each in spec["template"]["spec"]["containers"][0]["env"]}
    assert variables["CLUSTER_ADVERTISE"]["value"] == "$(POD_NAME).events.$(POD_NAMESPACE).svc"


def test_a_standby_stays_in_the_route_mesh() -> None:
    """Names resolve whatever probes say, and none of them asks who is active."""
    found = objects(a_plan(), stan())
    assert found["Service/stan"]["spec"]["publishNotReadyAddresses"] is True
    server = found["StatefulSet/stan"]["spec"]["template"]["spec"]["containers"][0]
    assert server["readinessProbe"]["httpGet"]["path"] == server["livenessProbe"]["httpGet"]["path"] == "/"


def test_every_container_is_confined_and_has_resources() -> None:
    for store in _STORES:
        pod = objects(a_plan(), Deployment("stan", store))["StatefulSet/stan"]["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        for each in pod["containers"]:
            assert each["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert set(each["resources"]["requests"]) == {"cpu", "memory"}


def test_the_sidecar_has_the_guides_arguments_and_an_image_that_knows_them() -> None:
    metrics = objects(a_plan(), stan())["StatefulSet/stan"]["spec"]["template"]["spec"]["containers"][1]
    assert metrics["args"] == [
        *("-connz", "-routez", "-subz", "-varz", "-channelz", "-serverz"),
        "http://localhost:8222",
    ]
    assert metrics["image"] == "natsio/prometheus-nats-exporter:0.16.0"


def test_a_change_of_the_configuration_restarts_the_pods() -> None:
    def checksum(plan: GroupPlan) -> str:
        template = objects(plan, stan())["StatefulSet/stan"]["spec"]["template"]
        return str(template["metadata"]["annotations"]["checksum/config"])

    assert checksum(a_plan()) == checksum(a_plan())
    assert checksum(a_plan()) != checksum(a_plan({"streaming": {"hb_interval": "5s"}}))


def test_sizes_and_images_are_settings() -> None:
    made = Deployment(
        "stan",
        Storage("efs", "c", size="20Gi"),
        metrics_image="mine/exporter:1",
        cpu="1",
        memory="1Gi",
        memory_limit="4Gi",
    )
    found = objects(replace(a_plan(), image="mine/server:1"), made)
    assert found["PersistentVolumeClaim/c"]["spec"]["resources"] == {"requests": {"storage": "20Gi"}}
    server, metrics = found["StatefulSet/stan"]["spec"]["template"]["spec"]["containers"]
    assert (server["image"], metrics["image"]) == ("mine/server:1", "mine/exporter:1")
    assert server["resources"] == {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "4Gi"}}


def test_secrets_come_from_a_secret_that_the_header_tells_how_to_make() -> None:
    text = render(a_plan({"streaming": {"encryption_key": "t0p-s3cret"}}), stan())
    assert "t0p-s3cret" not in text
    assert (
        "kubectl create secret generic stan-secrets \\\n#     --from-literal=STREAMING_ENCRYPTION_KEY="
        in text
    )
    found = by_name(list(yaml.safe_load_all(text)))
    server = found["StatefulSet/stan"]["spec"]["template"]["spec"]["containers"][0]
    variables = {each["name"]: each for each in server["env"]}
    source = variables["STREAMING_ENCRYPTION_KEY_TEXT"]["valueFrom"]["secretKeyRef"]
    assert source == {"name": "stan-secrets", "key": "STREAMING_ENCRYPTION_KEY"}
    assert variables["STREAMING_ENCRYPTION_KEY"]["value"] == '"$(STREAMING_ENCRYPTION_KEY_TEXT)"'
    assert "encryption_key: $STREAMING_ENCRYPTION_KEY" in found["ConfigMap/stan-config"]["data"]["stan.conf"]


def test_files_come_from_a_secret_mounted_where_the_configuration_looks() -> None:
    plan = a_plan({"nats": {"tls": {"cert_file": "/certs/server.pem", "key_file": "/certs/key.pem"}}})
    found = objects(plan, stan())
    tls = plain(parse(found["ConfigMap/stan-config"]["data"]["stan.conf"], missing_ok=True))["tls"]
    assert tls == {"cert_file": "/etc/stan-files/server.pem", "key_file": "/etc/stan-files/key.pem"}
    pod = found["StatefulSet/stan"]["spec"]["template"]["spec"]
    assert pod["volumes"][-1] == {
        "name": "files",
        "secret": {"secretName": "stan-files", "defaultMode": 0o550},
    }


def test_only_the_pods_open_routes_where_clients_need_a_login() -> None:
    """Routes have none in a cluster, and let in whoever reaches them."""
    policy = objects(a_plan({"nats": {"authorization": {"token": "t"}}}), stan())["NetworkPolicy/stan-routes"]
    pods = {"matchLabels": {"app": "stan"}}
    assert policy["spec"]["podSelector"] == pods
    anyone, ours = policy["spec"]["ingress"]
    assert anyone == {"ports": [{"port": port} for port in (4222, 8222, 7777)]}
    assert ours == {"from": [{"podSelector": pods}], "ports": [{"port": 6222}]}
    assert "NetworkPolicy/stan-routes" not in objects(a_plan({}), stan())


def test_two_files_of_one_name_cannot_be_in_one_secret() -> None:
    plan = a_plan({"nats": {"tls": {"cert_file": "/a/tls.pem", "key_file": "/b/tls.pem"}}})
    with pytest.raises(SettingsError, match=r"/a/tls.pem, /b/tls.pem"):
        render(plan, stan())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": "Stan"}, "name 'Stan' is refused by Kubernetes"),
        ({"name": "9stan"}, "beginning with a letter"),
        ({"name": "stan-"}, "refused"),
        ({"name": "s" * 53}, "53 characters, 52 at most"),
        ({"namespace": "a.b"}, "namespace 'a.b' is refused"),
        ({"namespace": "n" * 64}, "refused"),
        ({"store": Storage("efs", "UPPER")}, "claim 'UPPER' is refused"),
        ({"store": Storage("efs", "c", storage_class="a_b")}, "storage class 'a_b' is refused"),
        ({"store": Storage("efs", "c", size="100gb")}, "storage size '100gb' is no quantity .*; write 100Gi"),
        ({"store": Storage("efs", "c", size="lots")}, "storage size 'lots' is no quantity"),
        ({"memory": "512MB"}, "memory '512MB' .*; write 512Mi"),
        ({"memory_limit": "2 GB"}, "memory limit '2 GB' .*; write 2Gi"),
        ({"cpu": "-1"}, "cpu '-1' is no quantity"),
    ],
)
def test_values_that_kubernetes_would_refuse_are_refused_with_the_fix(
    change: dict[str, Any], reason: str
) -> None:
    made: dict[str, Any] = {"name": "stan", "store": Storage("efs", "c"), **change}
    with pytest.raises(SettingsError, match=reason):
        Deployment(**made)


def test_equal_plans_give_equal_text() -> None:
    assert render(a_plan(), stan()) == render(a_plan(), stan())


@pytest.mark.parametrize(("kind", "option"), [("efs", "--file-system"), ("nfs", "--nfs-server")])
def test_placeholders_are_listed_at_the_top(kind: Kind, option: str) -> None:
    header = render(a_plan(), stan(kind)).split("apiVersion")[0]
    assert option in header
    assert "# Replace:" in header
