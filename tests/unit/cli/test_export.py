"""`export compose`, `export kubernetes`, `export helm`, run as commands."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from stanlocal.certificates.authority import issue, make_authority
from stanlocal.cli.app import with_global_options
from stanlocal.cli.context import Context
from stanlocal.cli.export import export
from stanlocal.cli.output_file import marked
from stanlocal.errors import OutputError, SettingsError
from stanlocal.group.home import GroupHome
from stanlocal.imports.reading import read
from tests import seed
from tests.unit.export.plans import a_plan


@pytest.fixture(autouse=True)
def _empty_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def run(*arguments: str, as_json: bool = False, text: str | None = None) -> Result:
    return CliRunner().invoke(with_global_options(export), arguments, input=text, obj=Context(json=as_json))


def refusal(*arguments: str) -> str:
    """The problems that a command is refused for."""
    error = run(*arguments).exception
    assert isinstance(error, SettingsError)
    return "; ".join(error.problems)


def test_compose_is_printed_with_a_note_that_it_needs_a_second_file() -> None:
    result = run("compose")
    assert list(yaml.safe_load(result.stdout)["services"]) == ["stan-0", "stan-1"]
    assert result.stderr == (
        "note: it needs conf/stan.conf beside it; 'export compose --output DIR' writes both\n"
    )


@pytest.mark.parametrize("what", ["compose", "kubernetes", "helm"])
def test_a_proxy_is_left_out_and_that_is_said(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = run(what)
    monkeypatch.setenv("STANLOCAL_PROXIED", "true")
    result = run(what)
    assert "the proxy is left out" in result.stderr
    assert result.stdout == bare.stdout


@pytest.mark.parametrize("what", ["compose", "kubernetes", "helm"])
def test_an_export_of_a_secured_group_demands_its_tls_and_login(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The group's own certificates are for this machine: the export says how others are made."""
    monkeypatch.setenv("STANLOCAL_SECURE", "true")
    result = run(what, as_json=True)
    assert result.exit_code == 0, result.exception
    text = "".join(json.loads(result.stdout)["files"].values())
    if what == "helm":
        assert "url: tls://nats:4222" in text
        assert "--from-file=ca.crt=./secrets/ca.pem" in text
    else:
        assert text.count('server.key"') >= 2  # for clients and for routes
        assert "openssl req -x509" in text
        assert "NAMES=$NAMES,DNS:stan-1.stan" in text
        assert "NATS_AUTHORIZATION_USERS_0_PASSWORD" in text
    assert "********" not in text


def test_compose_writes_all_that_docker_compose_needs(tmp_path: Path) -> None:
    result = run("compose", "--output", "out")
    assert result.exit_code == 0
    assert sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*")) == [
        ".env",
        "compose.yaml",
        "conf",
        "conf/stan.conf",
        "store",
    ]
    store = (tmp_path / "out" / "store").stat()
    assert stat.S_IMODE(store.st_mode) == 0o700
    assert (tmp_path / "out" / ".env").read_text() == f"STANLOCAL_USER={store.st_uid}:{store.st_gid}\n"


def test_compose_says_that_secrets_have_to_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "secrets" not in run("compose", "--output", "out").stderr
    monkeypatch.setenv("STANLOCAL_STREAMING__ENCRYPTION_KEY", "t0p-s3cret")
    assert "secrets are not written" in run("compose", "--output", "out").stderr
    assert not Path("out", "secrets").exists()


def test_compose_leaves_a_store_that_is_there_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "out" / "store").mkdir(parents=True)
    (tmp_path / "out" / "store" / "msgs.1.dat").write_text("messages")
    before = (tmp_path / "out" / "store").stat()
    assert run("compose", "--output", "out").exit_code == 0
    assert (tmp_path / "out" / "store" / "msgs.1.dat").read_text() == "messages"
    assert (tmp_path / "out" / "store").stat().st_uid == before.st_uid


def test_json_has_the_files_and_nothing_else_is_on_standard_output() -> None:
    document = json.loads(run("compose", as_json=True).stdout)
    assert list(document) == ["files"]
    assert sorted(document["files"]) == ["compose.yaml", "conf/stan.conf"]


def test_the_group_that_is_there_is_exported_with_its_own_ports(tmp_path: Path) -> None:
    """A group that is down is exported, too: no engine is asked."""
    from dataclasses import replace

    plan = a_plan({"nodes": 3, "streaming": {"cluster_id": "orders"}})
    nodes = tuple(replace(node, client_port=node.client_port + 100) for node in plan.nodes)
    GroupHome(tmp_path / "state" / "stanlocal" / "stan").save_plan(replace(plan, nodes=nodes))
    services = yaml.safe_load(run("compose").stdout)["services"]
    assert [service["ports"][0] for service in services.values()] == [
        f"127.0.0.1:{4322 + index}:4222" for index in range(3)
    ]
    assert "cluster id orders" in run("compose").stdout


@pytest.mark.parametrize(("nodes", "expected"), [(1, [4322]), (3, [4322, 4323, 4324])])
def test_nodes_that_the_group_has_not_had_follow_on_its_ports(
    tmp_path: Path, nodes: int, expected: list[int]
) -> None:
    from dataclasses import replace

    plan = a_plan()
    made = tuple(replace(node, client_port=node.client_port + 100) for node in plan.nodes)
    GroupHome(tmp_path / "state" / "stanlocal" / "stan").save_plan(replace(plan, nodes=made))
    services = yaml.safe_load(run("compose", "--nodes", str(nodes)).stdout)["services"]
    assert [int(service["ports"][0].split(":")[1]) for service in services.values()] == expected


def test_a_port_that_is_asked_for_is_taken() -> None:
    services = yaml.safe_load(run("compose", "--port", "5000").stdout)["services"]
    assert [service["ports"][0] for service in services.values()] == [
        "127.0.0.1:5000:4222",
        "127.0.0.1:5001:4222",
    ]


def test_a_group_of_processes_is_exported_as_containers(tmp_path: Path) -> None:
    """Its servers here share the loopback, and listen on ports that no container has."""
    from dataclasses import replace

    from stanlocal.model.plan import Listen

    plan = a_plan()
    local = Listen("127.0.0.1", 15222, 15223, 15224)
    nodes = tuple(replace(node, listen=local, route_host="127.0.0.1") for node in plan.nodes)
    GroupHome(tmp_path / "state" / "stanlocal" / "stan").save_plan(
        replace(plan, nodes=nodes, engine="process", store_mount=None)
    )
    files = json.loads(run("compose", as_json=True).stdout)["files"]
    assert 'listen: "0.0.0.0:4222"' in files["conf/stan.conf"]
    assert "stan-0.stan:6222" in files["conf/stan.conf"]
    assert yaml.safe_load(files["compose.yaml"])["services"]["stan-0"]["ports"][0] == "127.0.0.1:4222:4222"


def compose_ports(*arguments: str) -> tuple[list[int], list[int]]:
    """The host ports of clients and of monitors."""
    result = run("compose", *arguments)
    assert result.exit_code == 0, result.exception
    services = yaml.safe_load(result.stdout)["services"].values()
    found = [[int(port.split(":")[1]) for port in service["ports"]] for service in services]
    return [client for client, _ in found], [monitor for _, monitor in found]


def test_monitors_beside_an_asked_port_are_chosen_as_up_chooses_them(monkeypatch: pytest.MonkeyPatch) -> None:
    from stanlocal.lifecycle import port_allocation

    monkeypatch.setattr(port_allocation, "is_free", lambda port, host: port != 8223)
    assert compose_ports("--port", "5000") == ([5000, 5001], [8222, 8224])
    assert "stan-1's monitor listens on 8224 instead" in run("compose", "--port", "5000").stderr
    assert compose_ports("--port", "8222") == ([8222, 8223], [8224, 8225])


def test_monitor_ports_can_be_asked_for() -> None:
    assert compose_ports("--monitor-port", "9000") == ([4222, 4223], [9000, 9001])
    assert compose_ports("--port", "5000", "--monitor-port", "5002", "--nodes", "2")[1] == [5002, 5003]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--port", "5000", "--monitor-port", "5001"), "overlap (5001); choose other first ports"),
        (("--monitor-port", "65535"), "port 65535 leaves no room for 2 nodes: the last port is 65535"),
        (("--port", "65535"), "port 65535 leaves no room for 2 nodes"),
    ],
)
def test_ports_that_cannot_be_are_refused(arguments: tuple[str, ...], reason: str) -> None:
    assert reason in refusal("compose", *arguments)


def test_the_header_names_the_groups_own_pods() -> None:
    text = run("kubernetes", "--name", "events").stdout
    assert "stan-0" not in text.partition("apiVersion")[0]
    assert "kubectl delete pod events-0" in text


def test_a_class_of_the_cluster_needs_no_file_system() -> None:
    result = run("kubernetes", "--storage", "efs", "--storage-class", "shared")
    assert "fs-" not in result.stdout + result.stderr
    assert "Replace:" not in result.stdout


def kinds(*arguments: str) -> list[str]:
    return [each["kind"] for each in yaml.safe_load_all(run("kubernetes", *arguments).stdout)]


def test_kubernetes_prints_objects_for_the_asked_storage() -> None:
    assert kinds()[0] == "Service"
    assert kinds("--storage", "efs")[:2] == ["StorageClass", "PersistentVolumeClaim"]
    assert kinds("--storage", "efs", "--legacy-provisioner")[0] == "ServiceAccount"
    assert kinds("--storage", "nfs")[0] == "PersistentVolume"


def test_placeholders_are_said_until_they_are_replaced() -> None:
    assert "name yours with --file-system" in run("kubernetes", "--storage", "efs").stderr
    result = run("kubernetes", "--storage", "efs", "--file-system", "fs-1")
    assert result.stderr == ""
    assert "fileSystemId: fs-1" in result.stdout


def test_names_sizes_and_images_are_options(tmp_path: Path) -> None:
    options = {
        "--name": "events",
        "--namespace": "messaging",
        "--storage": "azurefile",
        "--storage-size": "20Gi",
        "--metrics-image": "mine/exporter:1",
        "--image": "mine/server:1",
        "--cpu": "2",
        "--memory": "3Gi",
        "--memory-limit": "5Gi",
        "--nodes": "4",
    }
    words = [word for option in options.items() for word in option]
    assert run("kubernetes", *words, "--output", "out").exit_code == 0
    text = (tmp_path / "out" / "kubernetes.yaml").read_text()
    found = seed.by_name(list(yaml.safe_load_all(text)))
    spec = found["StatefulSet/events"]["spec"]
    server, metrics = spec["template"]["spec"]["containers"]
    assert spec["replicas"] == 4
    assert (server["image"], metrics["image"]) == ("mine/server:1", "mine/exporter:1")
    assert server["resources"] == {"requests": {"cpu": "2", "memory": "3Gi"}, "limits": {"memory": "5Gi"}}
    claim = found["PersistentVolumeClaim/events-store"]
    assert claim["spec"]["resources"]["requests"]["storage"] == "20Gi"
    assert claim["metadata"]["namespace"] == "messaging"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--storage", "nfs", "--region", "x"), "--region means nothing with --storage nfs; leave it out"),
        (("--file-system", "fs-1"), "--file-system means nothing with --storage existing-claim"),
        (("--storage", "efs", "--region", "x"), "--region means nothing with --storage efs"),
        (("--storage", "nfs", "--legacy-provisioner"), "--legacy-provisioner is for --storage efs only"),
        (("--storage", "nfs", "--storage-size", "100gb"), "storage size '100gb' is no quantity"),
        (("--storage-size", "5Gi"), "--storage-size means nothing with --storage existing-claim; leave it"),
        (
            ("--storage", "efs", "--file-system", "fs-1", "--storage-class", "mine"),
            "--file-system means nothing with --storage-class, which has its own; leave one of them out",
        ),
        (("--name", "Stan"), "name 'Stan' is refused by Kubernetes"),
        (("--from", "gone.conf"), "gone.conf: cannot be read: no such file or directory"),
        (("--nodes", "0"), "flag --nodes is 0; give 1 to 64"),
    ],
)
def test_options_that_cannot_be_are_refused(arguments: tuple[str, ...], reason: str) -> None:
    assert reason in refusal("kubernetes", *arguments)


def test_an_existing_deployment_is_exported_and_what_it_loses_is_said() -> None:
    result = run("compose", "--from", str(seed.EFS))
    assert list(yaml.safe_load(result.stdout)["services"]) == ["stan-0", "stan-1", "stan-2"]
    assert "PersistentVolumeClaim/efs (line 128)" in result.stderr


@pytest.mark.parametrize("command", [("kubernetes",), ("helm",)])
def test_an_export_read_back_exports_the_same(tmp_path: Path, command: tuple[str, ...]) -> None:
    first = run(*command, "--preset", "seed").stdout
    (tmp_path / "exported.yaml").write_text(first)
    assert run(*command, "--from", "exported.yaml").stdout == first


def test_an_exported_configuration_read_back_exports_the_same(tmp_path: Path) -> None:
    assert run("compose", "--preset", "seed", "--output", "out").exit_code == 0
    result = run("compose", "--from", "out/conf/stan.conf")
    assert marked(result.stdout) == (tmp_path / "out" / "compose.yaml").read_text()


def test_helm_says_what_the_chart_has_no_value_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANLOCAL_NATS__PING_INTERVAL", "1s")
    result = run("helm", "--nats-url", "nats://other:4222", "--claim", "mine")
    values: dict[str, Any] = yaml.safe_load(result.stdout)
    assert values["stan"]["nats"]["url"] == "nats://other:4222"
    assert values["store"]["volume"]["persistentVolumeClaim"]["claimName"] == "mine"
    assert "left out: nats.ping_interval: set it on the NATS server" in result.stderr


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "values.yaml").mkdir()
    error = run("helm", "--output", "out").exception
    assert isinstance(error, OutputError)
    assert "values.yaml cannot be written: is a directory" in str(error)


@pytest.mark.parametrize("what", ["compose", "kubernetes", "helm", "grafana"])
@pytest.mark.parametrize(
    ("folder", "reason"),
    [("file/out", "not a directory"), ("x" * 300, "file name too long")],
    ids=["in a file", "too long"],
)
def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path, what: str, folder: str, reason: str) -> None:
    (tmp_path / "file").touch()
    error = run(what, "--output", folder).exception
    assert isinstance(error, OutputError)
    assert f"cannot be written: {reason}; name another folder" in str(error)


def test_foreign_files_are_kept_all_or_none(tmp_path: Path) -> None:
    """An export that is refused is refused before its first file."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "stan.conf").write_text("port: 4222")
    (tmp_path / ".env").write_text("SECRET=1\n")
    error = run("compose", "--output", ".").exception
    assert isinstance(error, OutputError)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "state") == [".env", "conf"]
    assert (tmp_path / ".env").read_text() == "SECRET=1\n"
    assert run("compose", "--output", ".", "--force").exit_code == 0
    assert (tmp_path / ".env").read_text().startswith("SECRET=1\nSTANLOCAL_USER=")


@pytest.mark.parametrize("what", ["compose", "kubernetes", "helm", "grafana"])
def test_an_export_over_its_own_output_goes_on_working(what: str) -> None:
    assert run(what, "--output", "out").exit_code == 0
    assert run(what, "--output", "out").exit_code == 0


def test_a_deployment_is_read_from_several_files_or_standard_input(tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text("nats-streaming-server -sc stan.conf -cid orders &\n" * 3)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "stan.conf").write_text("streaming { store: file, ft_group: g }")
    several = run("compose", "--from", "run.sh", "--from", "other/stan.conf")
    assert "cluster id orders" in several.stdout
    assert "container_name: stan-2" in several.stdout
    assert "run.sh is read as a script\nother/stan.conf is read as a stan.conf\n" in several.stderr
    piped = run("compose", "--from", "-", text="nats-streaming-server -st file -ft_group g -cid piped")
    assert "cluster id piped" in piped.stdout


@pytest.mark.parametrize("what", ["compose", "kubernetes"])
def test_the_servers_of_an_export_trust_the_certificate_of_the_nats_server_inside_them(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the nodes here do, which need no other setting than the certificate and its key."""
    pair = issue(make_authority("test"), "server", hosts=["stan.example"])
    for name, content in (("cert", pair.certificate), ("key", pair.key)):
        (tmp_path / f"{name}.pem").write_bytes(content)
        monkeypatch.setenv(f"STANLOCAL_NATS__TLS__{name.upper()}_FILE", str(tmp_path / f"{name}.pem"))
    run(what, "--output", "out")
    path = {"compose": "out/conf/stan.conf", "kubernetes": "out/kubernetes.yaml"}[what]
    tls = read(Path(path), {}).layer.values["streaming"]["tls"]
    assert tls["server_name"] == "stan.example"
    needs = [need.key for need in read(Path(path), {}).needs]
    assert ("streaming", "tls", "client_cacert") in needs
    assert "streaming.tls" not in run("helm").stderr


def test_a_certificate_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CERT", "KEY"):
        (tmp_path / name).write_text("none")
        monkeypatch.setenv(f"STANLOCAL_NATS__TLS__{name}_FILE", str(tmp_path / name))
    assert f"nats.tls.cert_file names {tmp_path}/CERT, which cannot be read" in refusal("compose")
