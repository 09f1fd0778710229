"""The real cluster as a fixture, for every folder of tests: it is one for the whole run."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest

from tests.conftest import unavailable
from tests.kubernetes.cluster.errors import ClusterError
from tests.kubernetes.cluster.kept_logs import keep_logs
from tests.kubernetes.cluster.layout import Paths
from tests.kubernetes.cluster.locks import in_use
from tests.kubernetes.cluster.running import Cluster
from tests.kubernetes.cluster.status import Status, status
from tests.kubernetes.namespaces import connected, own_namespace


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep the logs of a failed test's cluster, before its pods are gone; the report says where."""
    report = yield
    fixtures = getattr(item, "funcargs", {})
    used = fixtures.get("cluster")
    if report.failed and isinstance(used, Cluster):
        said = _keep(used, fixtures.get("namespace"), item.name.replace("/", "_"))
        report.sections.append(("cluster", said))
    return report


def _keep(cluster: Cluster, namespace: str | None, name: str) -> str:
    """Keep logs and objects, and return where, or why not all of them."""
    folder = keep_logs(cluster.paths, name)
    wanted: dict[str, tuple[str, ...]] = {"nodes": ("nodes,pv",)}
    if namespace is not None:
        wanted["objects"] = ("all,pvc,events", "--namespace", namespace)
    try:
        for file, kinds in wanted.items():
            (folder / f"{file}.yaml").write_text(cluster.kubectl("get", *kinds, "--output=yaml"))
    except ClusterError as err:
        return f"logs in {folder}; no objects: {err}"
    return f"logs and objects in {folder}"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The cluster, for this run alone: tests cut its nodes off. It is not brought up by a test."""
    paths = Paths()
    with in_use(paths):
        found, line = status()
        if found is not Status.UP:
            unavailable(f"the cluster of the tests is {line}")
        yield connected(paths)


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace of the test's own, gone at the end with all that is in it, its volumes included."""
    with own_namespace(cluster) as name:
        yield name
