"""Rules of a deployment: each by a part that breaks it, beside the export, which keeps them all."""

from __future__ import annotations

import copy
import shlex
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from stanlocal.doctor.check import Check
from stanlocal.doctor.cluster.deployed_group import DeployedGroup
from stanlocal.doctor.cluster.rules import RULES, judge
from stanlocal.export.objects import KINDS, Kind
from tests.unit.doctor.cluster.deployments import (
    Json,
    beside_a_nats_server,
    changed,
    container_of,
    exported,
    group,
    pod_of,
    running,
)

Found = dict[str, Json]
Change = Callable[[Found], object]


def of_set(change: Callable[[Json], object]) -> Change:
    return lambda found: change(found["StatefulSet"])


def of_server(**fields: Any) -> Change:
    return of_set(lambda workload: container_of(workload).update(fields))


def of_exporter(**fields: Any) -> Change:
    return of_set(lambda workload: container_of(workload, 1).update(fields))


def of_pod(**fields: Any) -> Change:
    return of_set(lambda workload: pod_of(workload).update(fields))


def of_spec(**fields: Any) -> Change:
    return of_set(lambda workload: workload["spec"].update(fields))


def of_volume(**fields: Any) -> Change:
    """The volume, which is no longer an NFS one."""

    def change(found: Found) -> None:
        found["PersistentVolume"]["spec"].pop("nfs", None)
        found["PersistentVolume"]["spec"].update(fields)

    return change


def of_claim(**fields: Any) -> Change:
    return lambda found: found["PersistentVolumeClaim"]["spec"].update(fields)


def conf(old: str, new: str) -> Change:
    """Replace a part of the stan.conf, which has to be there."""

    def change(found: Found) -> None:
        data = found["ConfigMap"]["data"]
        (name,) = data
        assert old in data[name]
        data[name] = data[name].replace(old, new)

    return change


def store(**source: Any) -> Change:
    """Put another volume where the store's is."""
    return of_set(lambda workload: pod_of(workload)["volumes"].__setitem__(-1, {"name": "store", **source}))


def mounted(**fields: Any) -> Change:
    return of_set(lambda workload: container_of(workload)["volumeMounts"][1].update(fields))


def http(path: str, **more: Any) -> Json:
    return {"httpGet": {"path": path, "port": 8222}, **more}


def command(*words: str) -> Json:
    return {"exec": {"command": list(words)}}


def all_of(*changes: Change) -> Change:
    def change(found: Found) -> None:
        for each in changes:
            each(found)

    return change


def no_affinity(term: str = "preferredDuringSchedulingIgnoredDuringExecution", **fields: Any) -> Change:
    return of_pod(affinity={"podAntiAffinity": {term: [fields]}} if fields else {})


_STATE = command("sh", "-c", "wget -qO- localhost:8222/streaming/serverz | grep -q FT_ACTIVE")
_IS_200 = command("sh", "-c", "test $(curl -so /dev/null -w %{http_code} $URL/streaming/isFTActive) = 200")
_POD = "statefulset/stan spec.template.spec"
_SERVER = f"{_POD}.containers[stan]"
_VOLUME = "persistentvolume/messaging-stan-store spec"
_FIRST_ROUTE = "nats://stan-0.stan:6222"

BROKEN: list[tuple[str, Change, str, str]] = [
    ("ft-group", conf("ft_group_name", "#"), "configmap/stan-config stan.conf:", "no ft_group_name"),
    ("ft-group", conf("streaming", "streaming {"), f"{_SERVER}.args", "cannot be read"),
    ("replicas", of_spec(replicas=1), "statefulset/stan spec.replicas", "no standby"),
    ("routes", of_spec(replicas=3), "configmap/stan-config stan.conf:", "stan-0, stan-1, not stan-2"),
    ("claim", of_claim(accessModes=["ReadWriteOnce"]), "spec.accessModes", "ReadWriteOnce: pods on other"),
    ("claim", of_claim(accessModes=None), "spec.accessModes", "none: pods"),
    (
        "claim",
        lambda found: found.pop("PersistentVolumeClaim"),
        "persistentvolumeclaim/stan-store",
        "no such",
    ),
    (
        "claim",
        lambda found: found["PersistentVolumeClaim"]["status"].update(phase="Pending"),
        "persistentvolumeclaim/stan-store status.phase",
        "Pending",
    ),
    ("claim", store(emptyDir={}), f"{_POD}.volumes[store].emptyDir", "finds none of the active's messages"),
    (
        "claim",
        all_of(
            of_set(lambda workload: pod_of(workload)["volumes"].pop()),
            of_spec(volumeClaimTemplates=[{"metadata": {"name": "store"}}]),
        ),
        "statefulset/stan spec.volumeClaimTemplates[store]",
        "a claim of its own",
    ),
    ("claim", mounted(mountPath="/elsewhere"), f"{_SERVER}.volumeMounts", "on no volume"),
    ("claim", mounted(readOnly=True), f"{_SERVER}.volumeMounts[store].readOnly", "cannot be written"),
    ("claim", mounted(subPathExpr="$(POD_NAME)"), "volumeMounts[store].subPathExpr", "a folder of its own"),
    ("volume", store(hostPath={"path": "/srv/stan"}), f"{_POD}.volumes[store].hostPath", "/srv/stan"),
    ("volume", of_volume(hostPath={"path": "/srv/stan"}), f"{_VOLUME}.hostPath", "of each machine"),
    (
        "volume",
        of_volume(local={"path": "/srv/stan"}, nodeAffinity={"required": {"nodeSelectorTerms": []}}),
        f"{_VOLUME}.local",
        "all nodes fail together",
    ),
    ("volume", of_volume(csi={"driver": "ebs.csi.aws.com"}), f"{_VOLUME}.csi.driver", "only one machine"),
    ("volume", of_volume(csi={"driver": "s3.csi.aws.com"}), f"{_VOLUME}.csi.driver", "two nodes can be"),
    ("mount", of_volume(mountOptions=["mfsymlinks", "nobrl"]), f"{_VOLUME}.mountOptions", "nobrl keeps"),
    ("mount", of_volume(mountOptions=["nfsvers=3,hard"]), f"{_VOLUME}.mountOptions", "nfsvers=3 is NFS 3"),
    ("mount", of_volume(mountOptions=["local_lock=all"]), f"{_VOLUME}.mountOptions", "two nodes can be"),
    (
        "mount",
        lambda found: found["PersistentVolume"]["metadata"].update(
            annotations={"volume.beta.kubernetes.io/mount-options": "hard,nolock"}
        ),
        f"{_VOLUME}.mountOptions",
        "nolock keeps",
    ),
    ("spread", no_affinity(), f"{_POD}.affinity.podAntiAffinity", "fails with it"),
    (
        "spread",
        no_affinity(
            "requiredDuringSchedulingIgnoredDuringExecution",
            topologyKey="kubernetes.io/hostname",
            labelSelector={"matchLabels": {"app": "another"}},
        ),
        "podAntiAffinity",
        "fails with it",
    ),
    (
        "liveness",
        of_server(livenessProbe={**_STATE, "periodSeconds": 5, "failureThreshold": 2}),
        f"{_SERVER}.livenessProbe.exec.command",
        "a standby is ended every 10 s",
    ),
    ("liveness", of_server(startupProbe=_IS_200), f"{_SERVER}.startupProbe.exec.command", "every 30 s"),
    (
        "liveness",
        of_server(livenessProbe=http("/streaming/channelsz?channel=foo")),
        f"{_SERVER}.livenessProbe.httpGet.path",
        "only the active passes",
    ),
    (
        "liveness",
        of_server(livenessProbe=http("/streaming/serverz", periodSeconds=20)),
        f"{_SERVER}.livenessProbe.httpGet.path",
        "longer than 60 s",
    ),
    ("liveness", of_server(livenessProbe=http("/streaming/isFTActive")), "httpGet.path", "the store is read"),
    (
        "readiness",
        of_server(readinessProbe=_STATE),
        f"{_SERVER}.readinessProbe.exec",
        "no standby is ever ready",
    ),
    (
        "order",
        all_of(of_spec(podManagementPolicy="OrderedReady"), of_server(readinessProbe=_IS_200)),
        "statefulset/stan spec.podManagementPolicy",
        f"which {_SERVER}.readinessProbe.exec.command",
    ),
    (
        "order",
        all_of(
            of_set(lambda workload: workload["spec"].pop("podManagementPolicy")),
            of_exporter(image="natsio/prometheus-nats-exporter:latest"),
        ),
        "statefulset/stan spec.podManagementPolicy",
        f"which {_POD}.containers[metrics].image",
    ),
    ("grace", of_pod(terminationGracePeriodSeconds=5), f"{_POD}.termination", "killed 5 s after"),
    ("grace", of_pod(terminationGracePeriodSeconds=0), f"{_POD}.termination", "before its server has ended"),
    ("image", of_server(image="nats-streaming"), f"{_SERVER}.image", "without a tag"),
    ("image", of_server(image="nats-streaming:alpine"), f"{_SERVER}.image", "'alpine' is no version"),
    ("image", of_server(image="here:5000/nats-streaming"), f"{_SERVER}.image", "without a tag"),
    (
        "exporter",
        of_exporter(image="natsio/prometheus-nats-exporter:0.17.3"),
        f"{_POD}.containers[metrics].image",
        "0.17.3 ends at once",
    ),
    (
        "exporter",
        of_exporter(image="here/prometheus-nats-exporter"),
        "containers[metrics]",
        "-channelz and -s",
    ),
]


def named(value: object) -> str:
    """A part of a test's name: words, as functions have none that is the same in two processes."""
    return value if isinstance(value, str) else ""


def problems(of: DeployedGroup) -> dict[str, list[Check]]:
    """The rules that are broken, with their results."""
    found: dict[str, list[Check]] = {}
    for check in judge(of):
        if not check.ok:
            found.setdefault(check.name, []).append(check)
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("nodes", [2, 3])
def test_an_export_keeps_every_rule(kind: Kind, nodes: int) -> None:
    found = exported(kind, nodes)
    found["PersistentVolumeClaim"]["spec"].setdefault("accessModes", ["ReadWriteMany"])
    results = list(judge(group(found)))
    assert [(each.name, each.ok, each.seen) for each in results] == [
        (rule.name, True, True) for rule in RULES
    ]


@pytest.mark.parametrize(("rule", "change", "where", "words"), BROKEN, ids=named)
def test_a_broken_rule_is_shown_with_object_field_and_cure(
    rule: str, change: Change, where: str, words: str
) -> None:
    found = problems(changed(change))
    (check,) = found[rule]
    assert check.where is not None
    assert where in check.where
    assert words in check.detail
    assert check.cure
    assert all("--namespace messaging" in each or each.startswith("stanlocal ") for each in check.commands)


def test_every_rule_is_broken_by_some_deployment() -> None:
    assert {rule for rule, *_ in BROKEN} == {rule.name for rule in RULES} - {"containers"}


def test_the_line_of_the_routes_is_that_of_the_file() -> None:
    of = changed(of_spec(replicas=3))
    (check,) = problems(of)["routes"]
    assert check.where is not None
    line = int(check.where.rpartition(":")[2])
    (text,) = exported()["ConfigMap"]["data"].values()
    assert text.splitlines()[line - 1].lstrip().startswith("routes")


KEPT: list[tuple[str, Change]] = [
    ("routes", all_of(of_spec(replicas=3), conf(_FIRST_ROUTE, "nats://stan:6222"))),
    ("volume", of_volume(nfs={"server": "here", "path": "/"})),
    ("mount", of_volume(mountOptions=["nfsvers=4.1", "vers=3.1.1x", "hard"])),
    ("liveness", of_server(livenessProbe={"tcpSocket": {"port": 4222}})),
    ("liveness", of_server(livenessProbe=None)),
    ("liveness", of_server(livenessProbe=http("/streaming/serverz", failureThreshold=30))),
    ("liveness", of_server(livenessProbe=http("/streaming/channelsz"))),
    ("readiness", of_server(readinessProbe=http("/streaming/isFTActive"))),
    ("readiness", of_server(readinessProbe=http("/streaming/channelsz?limit=1"))),
    ("order", of_spec(podManagementPolicy="OrderedReady")),
    ("order", all_of(of_server(readinessProbe=_STATE))),
    ("grace", of_set(lambda workload: pod_of(workload).pop("terminationGracePeriodSeconds"))),
    ("image", of_server(image="here:5000/nats-streaming:0.25.6-alpine3.18")),
    ("image", of_server(image="nats-streaming@sha256:" + "0" * 64)),
    ("exporter", of_exporter(image="synadia/prometheus-nats-exporter:0.5.0")),
    ("exporter", of_exporter(image="natsio/prometheus-nats-exporter:0.17.3", args=["-varz"])),
    ("exporter", of_exporter(image="natsio/prometheus-nats-exporter@sha256:" + "0" * 64)),
    ("replicas", of_spec(replicas=0)),
    (
        "spread",
        all_of(
            no_affinity(),
            of_pod(
                topologySpreadConstraints=[
                    {
                        "topologyKey": "kubernetes.io/hostname",
                        "labelSelector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]},
                    }
                ]
            ),
        ),
    ),
    ("claim", all_of(conf('dir: "', 'store: "sql"\n  dir: "'), mounted(mountPath="/elsewhere"))),
]


@pytest.mark.parametrize(("rule", "change"), KEPT, ids=named)
def test_a_deployment_that_does_it_differently_keeps_the_rule(rule: str, change: Change) -> None:
    assert rule not in problems(changed(change))


def test_beside_a_nats_server_there_are_no_routes_and_no_port_for_clients() -> None:
    broken = changed(of_server(livenessProbe={"tcpSocket": {"port": "client"}}), nodes=3)
    found = problems(beside_a_nats_server(broken))
    assert found.keys() == {"liveness"}
    assert found["liveness"][0].where == f"{_SERVER}.livenessProbe.tcpSocket.port"


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (
            {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off\n 10s"}},
            "CrashLoopBackOff: back-off 10s",
        ),
        ({"waiting": {"reason": "ImagePullBackOff"}}, "ImagePullBackOff"),
        ({"terminated": {"exitCode": 2, "reason": "Error"}}, "ended with exit code 2 (Error)"),
    ],
)
def test_a_container_that_does_not_run_is_named_with_its_pod(state: Json, words: str) -> None:
    pods = {"stan-1": running("stan-1", "node-0", metrics=state)}
    (check,) = problems(group(exported(), pods=pods))["containers"]
    assert check.where == "pod/stan-1 status.containerStatuses[metrics]"
    assert check.detail == f"{words}, 3 restarts"


def test_a_container_on_its_way_is_well() -> None:
    creating = {"waiting": {"reason": "ContainerCreating"}}
    assert not problems(group(exported(), pods={"stan-0": running("stan-0", "node-0", stan=creating)}))


def test_a_folder_of_the_only_machine_is_well_and_pods_on_two_show_that_there_are_more() -> None:
    found = exported()
    of_volume(hostPath={"path": "/srv"})(found)
    together = {name: running(name, "node-0") for name in ("stan-0", "stan-1")}
    assert "volume" not in problems(group(found, pods=together, machines=1))
    hidden = {"nodes": "list nodes"}
    assert "volume" in problems(group(found, unseen=hidden))
    (check,) = [each for each in judge(group(found, pods=together, unseen=hidden)) if each.name == "volume"]
    assert (check.ok, check.seen) == (True, False)
    assert "list nodes" in check.detail


def test_pods_that_are_together_are_said_to_be() -> None:
    found = exported()
    no_affinity()(found)
    together = {name: running(name, "node-0") for name in ("stan-0", "stan-1")}
    (check,) = problems(group(found, pods=together))["spread"]
    assert check.detail.endswith("now all are on node-0")


def unseen(of: DeployedGroup) -> Iterator[tuple[str, str | None]]:
    return ((each.name, each.where) for each in judge(of) if not each.seen)


def test_objects_that_the_caller_may_not_see_are_named_and_are_no_problem() -> None:
    found = exported("azurefile")
    claims = group(found, unseen={"persistentvolumeclaims": "get persistentvolumeclaims"})
    assert list(unseen(claims)) == [("claim", "persistentvolumeclaim/stan-store")]
    assert not problems(claims)
    hidden = {"persistentvolumes": "get persistentvolumes", "storageclasses": "get storageclasses"}
    assert list(unseen(group(found, unseen=hidden))) == [
        ("volume", "persistentvolume/pvc-1"),
        ("mount", "persistentvolume/pvc-1 spec.mountOptions"),
        ("mount", "storageclass/stan-azurefile mountOptions"),
    ]


def test_without_the_volume_the_options_of_its_class_count() -> None:
    found = copy.deepcopy(exported("azurefile"))
    found["StorageClass"]["mountOptions"].append("nobrl")
    assert "mount" not in problems(group(found))  # the volume's own count, and it has none
    (check,) = problems(group(found, unseen={"persistentvolumes": "get persistentvolumes"}))["mount"]
    assert check.where == "storageclass/stan-azurefile mountOptions"


def test_commands_are_ready_to_be_copied() -> None:
    (check,) = problems(changed(of_pod(terminationGracePeriodSeconds=1)))["grace"]
    (line,) = check.commands
    assert shlex.split(line)[-1] == (
        '--patch={"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 30}}}}'
    )
