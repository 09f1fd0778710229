"""Files of all kinds, whole, partial and hostile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from stanlocal.errors import SettingsError
from stanlocal.imports.reading import read
from stanlocal.settings import resolve
from tests import seed
from tests.support.effort import inputs
from tests.unit.imports.reading import Write, problems, reported, values

_FT = "store: file\n ft_group_name: g\n"


# stan.conf


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("streaming {\n store: memory\n}", "stan.conf:2:2: streaming.store is 'memory': an FT group needs"),
        ("streaming {\n store: SQL\n}", "stan.conf:2:2: streaming.store is 'SQL': the server could, but"),
        ("streaming {\n store: tape\n}", "stan.conf:2:2: streaming.store is 'tape': the server knows"),
        ("streaming { id: x }", "stan.conf:1:1: streaming.store is not set: it is memory"),
        ("http: 8222\n", "stan.conf:1:1: streaming.store is not set"),
        ("streaming {\n store: file\n cluster { node_id: a }\n}", "stan.conf:3:2: this is a Raft cluster"),
        ("store: file\ncluster { port: 6222 }", "stan.conf:2:1: this is a Raft cluster"),
        ("a: {\n", "stan.conf:1:4: the table has no closing '}'"),
        (f"streaming {{\n {_FT} hb_interval: 5m\n}}", "stan.conf:4:2: streaming.hb_interval is the number"),
        (f"streaming {{\n {_FT} hb_interval: soon\n}}", "stan.conf:4:2: streaming.hb_interval is 'soon'"),
        (f"streaming {{\n {_FT} limits {{\n mb: 5zb\n}}}}", "stan.conf:5:2: streaming.store_limits"),
        (f"streaming {{\n {_FT} limits: 5\n}}", "stan.conf:4:2: streaming.store_limits must be a table"),
        (f"streaming {{\n {_FT} id: 'a b'\n}}", "stan.conf:4:2: streaming.cluster_id is 'a b', which"),
        (f"streaming {{\n {_FT} id: $ID\n}}", "stan.conf:4:2: streaming.cluster_id is $ID, which is"),
        (f"max_payload: lots\nstreaming {{\n {_FT}}}", "stan.conf:1:1: nats.max_payload is 'lots'"),
        ("include 'gone.conf'", "stan.conf:1:1: include 'gone.conf' cannot be read"),
        ("include '../secret'", "stan.conf:1:1: include '../secret' leads out of the configuration's folder"),
    ],
)  # fmt: skip
def test_a_configuration_that_cannot_be_run_is_one_line_with_its_place(
    write: Write, content: str, expected: str
) -> None:
    assert [problem for problem in problems(write("stan.conf", content)) if problem.startswith(expected)]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("server_name: a", "1: server_name ('a') left out: stanlocal sets it for each node"),
        ("port: 4333", "1: port (4333) left out: stanlocal chooses what the nodes listen on"),
        ("jetstream { max_mem: 1gb }", "1: jetstream left out: the group is a NATS Streaming one"),
        ("pingInterval: 5", "1: pingInterval left out: the server does not know it and ignores it"),
        ("cluster { name: prod }", "1: cluster.name ('prod') left out: stanlocal writes the routes"),
        ("port: 1\nport: 2", "1: an option changed: 'port' is given again at"),
        ("streaming { dir: /data }", "1: streaming.dir ('/data') left out: stanlocal mounts the store"),
        ("streaming { credentials: a.creds }", "1: streaming.credentials ('a.creds') left out: it is a"),
        ("streaming { secure: true }", "1: streaming.secure (true) left out: the NATS server inside each"),
        ("streaming { max_age: 5 }", "1: streaming.max_age left out: the server does not know it"),
        ("streaming { file { slice_archive: x } }", "1: streaming.file_options.slice_archive ('x') left out"),
    ],
)  # fmt: skip
def test_dropped_elements_are_reported(write: Write, content: str, expected: str) -> None:
    path = write("stan.conf", f"{content}\nstreaming {{ {_FT} }}" if "streaming" not in content
                 else content.replace("streaming {", "streaming { store: file, ft_group: g,"))  # fmt: skip
    assert [line for line in reported(read(path, {})) if line.startswith(expected)]


def test_secrets_are_taken_and_not_shown(write: Write) -> None:
    conf = f'authorization {{ user: u, password: s3cret }}\nstreaming {{ {_FT} encryption_key: "$tr0ng" }}'
    imported = read(write("stan.conf", conf), {})
    found = resolve([imported.layer])
    assert found.nats["authorization"]["password"] == "s3cret"
    assert found.streaming["encryption_key"] == "$tr0ng"
    assert all("s3cret" not in line and "tr0ng" not in line for line in reported(imported))


def test_passwords_in_routes_are_not_shown(write: Write) -> None:
    conf = f"cluster {{ routes [\n nats://u:s3cret@a:6222\n ] }}\nstreaming {{ {_FT} }}"
    imported = read(write("stan.conf", conf), {})
    assert any("cluster.routes (nats://u:********@a:6222)" in line for line in reported(imported))


def test_variables_come_from_the_environment_and_from_the_file(write: Write) -> None:
    path = write("stan.conf", f"KEY: a-b\nstreaming {{ {_FT} id: $KEY\n encryption_key: $SECRET }}")
    found = values(path, {"SECRET": '"1234"'})
    assert (found.streaming["cluster_id"], found.streaming["encryption_key"]) == ("a-b", "1234")


def test_included_files_are_read_from_the_files_folder(write: Write) -> None:
    write("more/limits.conf", "max_msgs: 7")
    path = write("stan.conf", f"streaming {{ {_FT} limits {{ include 'more/limits.conf' }} }}")
    assert values(path).streaming["store_limits"]["max_msgs"] == 7


def test_a_link_that_leads_out_of_the_folder_is_not_followed(write: Write, tmp_path: Path) -> None:
    outside = write("outside/secret.conf", "password: s3cret")
    path = write("inside/stan.conf", "include 'link.conf'")
    (path.parent / "link.conf").symlink_to(outside)
    (problem,) = problems(path)
    assert "outside the configuration's folder" in problem
    assert "s3cret" not in problem


def test_a_file_can_make_nothing_run(write: Write) -> None:
    """Neither an image nor a script of the file gets into the settings."""
    script = f"streaming {{ {_FT} file_options {{ slice_archive_script: /tmp/evil.sh }} }}"
    assert "slice_archive_script" not in values(write("stan.conf", script)).streaming["file_options"]
    image = seed.EFS.read_text().replace("nats-streaming:alpine", "nats-streaming:evil")
    assert "evil" not in values(write("a.yaml", image)).image


def test_no_file_of_this_machine_is_mounted_because_a_file_names_it(write: Write) -> None:
    conf = f"tls {{ cert_file: /etc/passwd, key_file: /etc/shadow }}\nstreaming {{ {_FT} }}"
    assert "tls" not in values(write("stan.conf", conf)).nats


# Kubernetes objects


def workload(**server: Any) -> str:
    """A StatefulSet whose server container has the fields."""
    import json

    container = {"name": "stan", "image": "nats-streaming:0.25.6", **server}
    pod = {"containers": [container], "volumes": [{"name": "c", "configMap": {"name": "conf"}}]}
    content = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "stan"},
        "spec": {"replicas": 4, "template": {"spec": pod}},
    }
    return json.dumps(content)


def test_a_server_that_runs_by_arguments_alone_is_read(write: Write) -> None:
    arguments = "-cid orders --store=file -dir /data -ft_group g -mm 10 -ma 5m -file_sync=false -SDV"
    arguments += " -m 8223 -cluster_log_path x -hbi 2s"
    imported = read(write("a.json", workload(args=arguments.split())), {})
    found = resolve([imported.layer])
    assert found.nodes == 4
    assert found.streaming["cluster_id"] == "orders"
    assert found.streaming["store_limits"]["max_msgs"] == 10
    assert found.streaming["store_limits"]["max_age"] == "5m"
    assert found.streaming["file_options"]["sync_on_flush"] is False
    assert found.streaming["stan_debug"] is found.streaming["stan_trace"] is True
    assert found.streaming["hb_interval"] == "2s"
    said = " ".join(reported(imported))
    assert "argument -cluster_log_path left out: it is for Raft clusters" in said
    assert "streaming.dir ('/data') left out" in said
    assert "http_port (8223) left out" in said


def test_arguments_count_more_than_the_configuration(write: Write) -> None:
    text = seed.EFS.read_text().replace('- "-sc"', '- "-cid"\n            - other\n            - "-sc"')
    assert values(write("a.yaml", text)).streaming["cluster_id"] == "other"


def test_arguments_are_laid_over_a_configuration_without_a_streaming_section(write: Write) -> None:
    file = seed.EFS.read_text()
    section = file[file.index("    streaming {") : file.index("    }\n---") + 6]
    text = file.replace(section, "    store: file\n    ft_group: g\n    mm: 5\n")
    text = text.replace(
        '- "-sc"',
        '- "-cid"\n            - other\n            - "-mm"\n            - "7"\n            - "-sc"',
    )
    path = write(
        "a.yaml", text.replace(text[text.index("    cluster {") : text.index("    store: file")], "")
    )
    found = values(path).streaming
    assert (found["cluster_id"], found["ft_group_name"]) == ("other", "g")
    assert found["store_limits"]["max_msgs"] == 7


@pytest.mark.parametrize(
    ("flag", "said"),
    [("-mm", "argument -mm must be a whole number, not 'many'"), ("-hbi", "argument -hbi is 'many', which")],
)
def test_an_argument_of_the_wrong_kind_is_a_problem(write: Write, flag: str, said: str) -> None:
    path = write("a.json", workload(args=["-st", "FILE", "-ft_group", "g", flag, "many"]))
    assert any(said in problem for problem in problems(path))


def test_a_workload_without_its_config_map_says_what_to_add(write: Write) -> None:
    mounts = [{"name": "c", "mountPath": "/etc/stan"}]
    path = write("a.json", workload(args=["-sc", "/etc/stan/stan.conf"], volumeMounts=mounts))
    (problem,) = problems(path)
    assert "the server reads /etc/stan/stan.conf from ConfigMap conf, which is not in this file" in problem


def test_an_encryption_key_in_a_cluster_secret_is_asked_for_and_never_done_without(write: Write) -> None:
    """Serving an encrypted store without its key would mix plain and encrypted messages."""
    key = {"name": "NATS_STREAMING_ENCRYPTION_KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}
    arguments = ["-st", "file", "-ft_group", "g"]
    path = write("a.json", workload(args=[*arguments, "-encrypt"], env=[key]))
    assert any("streaming.encrypt needs streaming.encryption_key" in problem for problem in problems(path))


def test_a_key_alone_encrypts_nothing_as_in_the_server(write: Write) -> None:
    key = {"name": "NATS_STREAMING_ENCRYPTION_KEY", "value": "k3y"}
    arguments = ["-st", "file", "-ft_group", "g"]
    assert "encryption_key" not in values(write("a.json", workload(args=arguments, env=[key]))).streaming
    encrypted = workload(args=[*arguments, "-encrypt"], env=[key])
    assert values(write("b.json", encrypted)).streaming["encryption_key"] == "k3y"


def test_two_workloads_without_an_ft_group_are_one_too_many(write: Write) -> None:
    path = write("a.yaml", f"{workload(args=['-st', 'file'])}\n---\n{workload(args=['-st', 'file'])}")
    (problem,) = problems(path)
    assert "the servers are not one FT group: StatefulSet/stan (cluster id test-cluster" in problem


def test_objects_in_a_list_are_read(write: Write) -> None:
    path = write(
        "a.yaml", '{"kind": "List", "apiVersion": "v1", "items": [' + workload(args=["-st", "file"]) + "]}"
    )
    assert values(path).nodes == 4


def test_an_error_in_a_config_map_has_its_line_in_the_manifest(write: Write) -> None:
    text = seed.EFS.read_text().replace("max_age: 1h", "max_age: 5kbb")
    line = next(number for number, each in enumerate(text.splitlines(), 1) if "max_age" in each)
    (problem,) = problems(write("a.yaml", text))
    assert problem.startswith(f"a.yaml:{line}:18: there is no unit")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a: [1\n", "a.yaml:2:1: "),
        ("a: 1\n\tb: 2", "a.yaml:2:1: "),
        ("a: 1\na: 2\nstan: {}", "a.yaml:2:1: 'a' is given twice"),
        ("!!python/object/apply:os.system ['true']", "a.yaml:1:1: this is neither a Kubernetes object"),
        ("stan: !!python/name:os.system x", "a.yaml:1:7: the tag tag:yaml.org,2002:python/name"),
        ("- 1", "a.yaml:1:1: this is neither a Kubernetes object nor values of the nats/stan chart"),
        ("", "a.yaml:1:1: the file is empty"),
        ("? [a]\n: b", "a.yaml:1:3: a name has to be a word"),
        ("kind: Service\nmetadata: {name: x}", "a.yaml:1:1: there is neither a stan.conf in a ConfigMap nor"),
        ("a: &a\n  b: *a\nstan: 1", "nested too deeply"),
        ("x: " + "[" * 200_000, "a.yaml:1:67: values are nested too deeply"),
        ("stan: " + "[" * 70 + "]" * 70, "values are nested too deeply"),
        ("stan: {replicas: x}\nstore: {type: file, ft: {group: g}}", "a.yaml:1:8: nodes must be"),
        ("store: {type: memory}", "a.yaml:1:9: streaming.store is 'memory'"),
        ("store: {cluster: {enabled: true}}", "a.yaml:1:19: this is a Raft cluster"),
        ("store:\n  limits:\n    max_bytes: 5zb", "a.yaml:3:5: streaming.store_limits.max_bytes is '5zb'"),
    ],
)  # fmt: skip
def test_yaml_that_cannot_be_run_is_one_line_with_its_place(
    write: Write, content: str, expected: str
) -> None:
    assert [problem for problem in problems(write("a.yaml", content)) if expected in problem]


def test_aliases_of_aliases_are_bounded(write: Write) -> None:
    """Nine levels of ten aliases each are a billion values in a few hundred bytes."""
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
    (problem,) = problems(write("a.yaml", f"a0: &a0 [x]\n{levels}stan: 1"))
    assert "more than 10000 values, counting aliases" in problem


@pytest.mark.parametrize("name", ["stan.conf", "values.yaml"])
def test_a_file_that_is_too_large_or_no_text_or_not_there_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    assert problems(path) == [
        f"{name}: cannot be read: no such file or directory; check the path, and that you may read it"
    ]
    path.write_bytes(b"ok: 1\n\xff")
    assert problems(path) == [f"{name}:2:1: is not valid UTF-8"]
    path.write_bytes(b"#" * (2 << 20))
    assert problems(path) == [f"{name}: is larger than 1048576 bytes"]


_SEED = seed.EFS.read_text()


@given(st.integers(0, len(_SEED) - 1), st.integers(0, 40), st.text(max_size=5))
@examples(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=inputs(60))
def test_a_manifest_damaged_anywhere_is_read_or_refused(write: Write, at: int, cut: int, put: str) -> None:
    path = write("a.yaml", (_SEED[:at] + put + _SEED[at + cut :]).encode("utf-8", "replace").decode())
    try:
        resolve([read(path, {}).layer])
    except SettingsError as error:
        found = error.problems
    else:
        return
    assert all("\n" not in problem for problem in found)
