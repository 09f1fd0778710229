"""The cluster, and a namespace of each test's own."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Generator, Iterator

import pytest

from tests.conftest import unavailable
from tests.kubernetes.cluster.kept_logs import keep_logs
from tests.kubernetes.cluster.layout import Paths
from tests.kubernetes.cluster.locks import locked
from tests.kubernetes.cluster.running import Cluster
from tests.kubernetes.cluster.status import Status, status
from tests.kubernetes.volumes import remove_volumes, shared_folder

_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note which tests failed, for their fixtures."""
    report = yield
    if report.failed:
        item.stash[_FAILED] = True
    return report


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The cluster, for this run alone: tests cut its nodes off. It is not brought up by a test."""
    found, line = status()
    if found is not Status.UP:
        unavailable(f"the cluster of the tests is {line}")
    paths = Paths()
    with locked(paths.root):
        yield Cluster(paths)


@pytest.fixture
def namespace(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the test's own, gone at the end with all that is in it, its volumes included.

    Where the test failed, the logs of the cluster and its pods are kept, and the report says where.
    """
    name = f"t-{secrets.token_hex(4)}"
    cluster.api.post("/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    try:
        if request.node.stash.get(_FAILED, False):
            _keep(cluster, name, request.node)
    finally:
        for node in cluster.nodes:
            cluster.connect(node)
        cluster.kubectl("delete", "namespace", name, "--timeout=90s")
        remove_volumes(cluster, name)
        shutil.rmtree(cluster.paths.shared / shared_folder(name).lstrip("/"), ignore_errors=True)


def _keep(cluster: Cluster, namespace: str, item: pytest.Item) -> None:
    folder = keep_logs(cluster.paths, item.name.replace("/", "_"))
    objects = cluster.kubectl("get", "all,pvc,events", "--namespace", namespace, "--output=yaml")
    (folder / "objects.yaml").write_text(objects)
    nodes = cluster.kubectl("get", "nodes,pv", "--output=yaml")
    (folder / "nodes.yaml").write_text(nodes)
    item.add_report_section("call", "cluster", f"logs and objects in {folder}")
