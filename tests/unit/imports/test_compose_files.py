"""Compose files: FT groups by flags and by mounted files, as Compose itself reads them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from stanlocal.cli.context import Context
from stanlocal.cli.export import export
from stanlocal.errors import SettingsError
from stanlocal.imports.reading import read
from stanlocal.settings import resolve
from tests.support.cost import processor_time_below
from tests.unit.imports.imported import FT, imported, matters, problems, reported, summary, write

_FLAGS = "-st file -dir /data -ft_group g"


def pair(service: str, top: str = "") -> str:
    """A project of two services with the same lines."""
    lines = "".join(f"    {line}\n" for line in service.split("\n"))
    return f"services:\n  a:\n{lines}  b:\n{lines}{top}"


CASES = [
    ('services:\n  a: {image: nats-streaming, command: "-st file -dir /d -ft_group g"}\n'
     '  b: {image: nats-streaming, command: "-st file -dir /d -ft_group g"}\n', "2 test-cluster g"),
    (pair(f"image: nats-streaming:0.25.6-alpine\ncommand: {_FLAGS} -cid orders"), "2 orders g"),
    (pair("image: nats-streaming\ncommand: ['--store=file', '--ft_group', g, '-mm', 7]"), "2 test-cluste"
"r g max_msgs=7"),
    (pair("image: nats-streaming\ncommand: -c /etc/stan/stan.conf\nvolumes: ['./conf:/etc/stan:ro']"), "2 in-"
"conf g"),
    (pair("image: nats-streaming\ncommand: -sc /s.conf\nvolumes: [{type: bind, source: "
"./conf/stan.conf, target: /s.conf}]"), "2 in-conf g"),
    (pair("image: nats-streaming\ncommand: -sc s.conf\nworking_dir: /etc/x\nvolumes: "
"[./conf/stan.conf:/etc/x/s.conf]"), "2 in-conf g"),
    (pair("image: nats-streaming\ncommand: [-sc, /stan]\nconfigs: [{source: conf, target: /stan}]", "confi"
"gs: {c"
"onf: {file: "
"./conf/stan.conf}}\n"), "2 in-conf g"),
    (pair("image: nats-streaming\ncommand: [-sc, /conf]\nconfigs: [conf]", 'configs: {conf: {content: '
'"store: file\\nft_group: i"}}\n'), "2 test-cluster i"),
    (pair(f"image: nats-streaming\ncommand: {_FLAGS} -cid ${{CID}} -mc ${{MC:-5}}"), "2 from-environ g "
"max_channels=5"),
    (pair(f"image: nats-streaming\ncommand: {_FLAGS} -cid $CID$DOT_ENV"), "2 from-environdotted g"),
    (pair(f"image: nats-streaming\ncommand: {_FLAGS} -cid ${{UNSET:-${{CID}}-x}} ${{CID:+-mm 3}}"), "2 from-"
"environ"
"-x g max_msgs=3"),
    (pair("image: nats-streaming\ncommand: -c /etc/env.conf\nenv_file: [vars.env]\n"
"volumes: [./conf:/etc]"), "2 by-file g"),
    (pair("image: nats-streaming\ncommand: -c /etc/env.conf\nenv_file: vars.env\n"
"environment: {ID: own}\nvolumes: [./conf:/etc]"), "2 own g"),
    (pair("image: nats-streaming\ncommand: -c /etc/env.conf\nenvironment: [ID, X=1]\n"
"volumes: [./conf:/etc]"), "2 environ-id g"),
    (pair("image: nats-streaming\ncommand: -c /etc/env.conf\nenv_file: [{path: gone, "
"required: false}, {path: vars.env}]\nvolumes: [./conf:/etc]"), "2 by-file g"),
    (f"a: &a\n  image: nats-streaming\n  command: {_FLAGS}\nb:\n  <<: *a\n", "2 test-cluster g"),
    (pair(f"image: mine\nentrypoint: stan\ncommand: {_FLAGS}"), "2 test-cluster g"),
    (pair(f"image: mine/stan\nentrypoint: /nats-streaming-server\ncommand: {_FLAGS}"), "2 test-cluster g"),
    (pair(f"image: mine/stan\nentrypoint: [tini, --, nats-streaming-server]\ncommand: "
f"{_FLAGS} -n $$HOSTNAME"), "2 test-cluster g"),
    (pair(f'image: alpine\ncommand: sh -c "exec nats-streaming-server {_FLAGS} -cid $$ID"\n'
f'environment: {{ID: in-shell}}'), "2 in-shell g"),
    (pair(f"image: mine/private:1\ncommand: {_FLAGS}"), "2 test-cluster g"),
    (pair(f"build: .\ncommand: nats-streaming-server {_FLAGS}"), "2 test-cluster g"),
    (f"services:\n  a: {{image: nats-streaming, command: {_FLAGS}, deploy: {{replicas: 3}}}}\n", "3 test-c"
"luster g"),
    (f"services:\n  a: {{image: nats-streaming, command: {_FLAGS}, scale: '${{N:-4}}'}}\n", "4 test-c"
"luster g"),
    (pair(f"image: nats-streaming\nprofiles: [ft]\ncommand: {_FLAGS}"), "2 test-cluster g"),
    (f"services:\n  a: &a {{image: nats-streaming, command: {_FLAGS}}}\n  b: *a\n  c: "
f"{{<<: *a, profiles: [more]}}\n", "2 test-cluster g"),
    (f"services:\n  a: &a {{image: nats-streaming, command: {_FLAGS}}}\n  b: *a\n  c: "
f"{{<<: *a, profiles: [on]}}\n", "3 test-cluster g"),
    (f"x-stan: &s\n  image: nats-streaming\n  command: {_FLAGS}\nservices: {{a: *s, b: "
f"*s, web: {{image: shop, command: [run]}}}}\n", "2 test-cluster g"),
    (f"services:\n  base: {{image: nats-streaming, command: {_FLAGS}, scale: 0}}\n  a: "
f"{{extends: base, scale: 1}}\n  b: {{extends: {{service: base}}, scale: 1}}\n", "2 test-cluster g"),
    ("services:\n  a: {extends: {file: more/base.yaml, service: base}}\n  b: "
"{extends: {file: more/base.yaml, service: base}}\n", "2 extended g"),
    ("include: [more/base.yaml]\nservices: {}\n", "2 extended g"),
    (pair("image: mine\nentrypoint: /start.sh\nvolumes: [./start.sh:/start.sh, ./conf:/etc/x]"), "2 sta"
"rted g"),
    (pair("image: nats-streaming:alpine\ncommand: [sh, -c, \"cat > /x.conf <<E\\nstore: "
"file\\nft_group: h\\nE\\nnats-streaming-server -c /x.conf\"]"), "2 test-cluster h"),
    ("version: '2'\n" + pair(f'image: "nats-streaming:${{TAG:-latest}}"\ncommand: {_FLAGS}'), "2 test-c"
"luster g"),
]  # fmt: skip


@pytest.mark.parametrize(("project", "expected"), CASES)
def test_the_services_of_a_group_are_its_nodes(tmp_path: Path, project: str, expected: str) -> None:
    files = {
        "compose.yaml": project,
        "conf/stan.conf": f"{FT} id: in-conf\n}}",
        "conf/env.conf": f"{FT} id: $ID\n}}",
        "start.sh": "#!/bin/bash\nset -e\nexec nats-streaming-server -c /etc/x/stan.conf -cid started\n",
        "vars.env": "# variables\nID=by-file\n",
        ".env": "DOT_ENV=dotted\nCID=shadowed\nCOMPOSE_PROFILES=on\n",
        "more/base.yaml": f"services:\n  base: {{image: nats-streaming, command: {_FLAGS} -cid extended}}\n",
    }
    assert matters(tmp_path, files, {"CID": "from-environ", "ID": "environ-id"}) == expected


@pytest.mark.parametrize(
    ("project", "expected"),
    [
        (
            "services: {web: {image: shop}}\n",
            "compose.yaml:1:1: no service runs nats-streaming; the services are web",
        ),
        ("services: {a: {image: nats-streaming}}\n", "compose.yaml:1:12: streaming.store is not set"),
        (
            pair("image: nats-streaming\ncommand: -c /etc/stan.conf"),
            "compose.yaml:4:5: the server reads /etc/stan.conf, which is neither",
        ),
        (
            pair("image: nats-streaming\ncommand: -c /s.conf\nvolumes: [../outside.conf:/s.conf]"),
            "the server reads /s.conf, which is neither",
        ),
        (
            pair("image: nats-streaming\ncommand: -c /s.conf\nenv_file: gone.env"),
            "compose.yaml:5:5: the service reads its variables from gone.env",
        ),
        (
            pair("image: nats-streaming\ncommand: -cid ${CID:?name the cluster}"),
            "$CID has to be set: name the cluster",
        ),
        (pair("image: nats-streaming\ncommand: -cid ${CID"), "the brace of '${' is not closed"),
        (pair("image: nats-streaming\ncommand: -cid $ x"), "a '$' in it stands alone; write '$$'"),
        (
            pair("image: nats-streaming\ncommand: -cid 'x"),
            "the command cannot be split into words: no closing quotation",
        ),
        (
            "services:\n  a: {image: nats-streaming, command: -st file -ft_group a}\n  b: "
            "{image: nats-streaming, command: -st file -ft_group b}\n",
            "the servers are not one FT group",
        ),
        ("services:\n  a: {extends: b}\n  b: {extends: a}\n", "extends itself"),
        ("services:\n  a: {extends: gone}\n", "service a extends gone, which is not there"),
        ("include: [compose.yaml]\nservices: {}\n", "there are more than 50 files in the project"),
        (pair(f"image: nats-streaming\nscale: many\ncommand: {_FLAGS}"), "the number of replicas is 'many'"),
    ],
)
def test_a_project_that_cannot_be_run_is_one_line_with_its_place(
    tmp_path: Path, project: str, expected: str
) -> None:
    found = problems(tmp_path / "in", {"compose.yaml": project})
    assert expected in found[0]


def test_an_override_counts_more_and_is_found_in_a_folder(tmp_path: Path) -> None:
    files = {
        "compose.yaml": pair(f"image: nats-streaming\ncommand: {_FLAGS}\nenvironment: {{A: 1}}"),
        "compose.override.yaml": f"services:\n  a: {{command: {_FLAGS} -cid over}}\n  b: {{command: "
        f"{_FLAGS} -cid over}}\n",
    }
    paths = write(tmp_path, files)
    for order in (paths, paths[::-1], [tmp_path]):
        assert summary(resolve([read(order, {}).layer])) == "2 over g"


def test_what_compose_alone_does_is_left_out_with_its_reason(tmp_path: Path) -> None:
    service = (
        f"image: nats-streaming\ncommand: {_FLAGS}\nports: ['4222:4222']\nrestart: "
        f"always\nnetworks: [n]\nx-mine: 1"
    )
    said = " ".join(
        reported(imported(tmp_path, {"compose.yaml": pair(service, "networks: {n: {driver: bridge}}\n")}))
    )
    assert "service a ports (4222:4222) left out: client and monitor ports are published on 127.0.0.1" in said
    assert "service a restart ('always') left out: stanlocal starts and watches its nodes itself" in said
    assert "compose.yaml:16: networks left out: the nodes have a network of their own" in said


def test_unset_variables_are_blank_and_reported(tmp_path: Path) -> None:
    project = pair(f"image: nats-streaming\ncommand: {_FLAGS} $MORE")
    assert any(
        "$MORE changed: it is set neither there nor" in line
        for line in reported(imported(tmp_path, {"c.yaml": project}))
    )


def test_a_service_of_an_inactive_profile_is_left_out_with_the_way_to_start_it(tmp_path: Path) -> None:
    project = (
        f"services:\n  a: {{image: nats-streaming, command: {_FLAGS}}}\n  b: {{image: "
        f"nats-streaming, profiles: [ft], command: {_FLAGS}}}\n"
    )
    said = reported(imported(tmp_path, {"compose.yaml": project}))
    assert any(
        "service b (ft) left out: it is in a profile that is not active; COMPOSE_PROFILES=ft starts it"
        in line
        for line in said
    )


def test_stanlocals_own_export_comes_back_as_the_same_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("STANLOCAL_STREAMING__CLUSTER_ID", "orders")
    done = CliRunner().invoke(export, ["compose", "--nodes", "3", "--output", "out"], obj=Context())
    assert done.exit_code == 0
    own = summary(resolve([read(tmp_path / "out" / "conf" / "stan.conf", {}).layer]))
    assert summary(resolve([read(tmp_path / "out" / "compose.yaml", {"STANLOCAL_USER": "1:1"}).layer])) == own


@pytest.mark.parametrize(
    "project",
    [
        "services:\n"
        + "".join(f"  s{n}: {{image: nats-streaming, command: {_FLAGS}}}\n" for n in range(2_000)),
        "services:\n"
        + "".join(f"  s{n}: {{extends: s{n + 1}}}\n" for n in range(3_000))
        + "  s3000: {image: x}\n",
        pair(f"image: nats-streaming\ncommand: '{_FLAGS} {'${A:-' * 5_000}'"),
        pair(f"image: nats-streaming\ncommand: '{_FLAGS} {'$BIG' * 50_000}'"),
        pair(f"image: nats-streaming\nenv_file: big.env\ncommand: {_FLAGS}"),
        "services:\n"
        + "".join(
            f"  s{n}: {{image: x, command: [sh, -c, '{'{ ' * 60}'], env_file: big.env}}\n"
            for n in range(1_000)
        ),
        pair(f'image: nats-streaming\ncommand: "{_FLAGS} \'{"a" * 900_000}"'),
    ],
    ids=["services", "extends", "nested", "variables", "environment", "shells", "quote"],
)
def test_hostile_projects_are_read_or_refused_at_once(tmp_path: Path, project: str) -> None:
    big = "".join(f"V{number}=x\n" for number in range(60_000))
    (path, _) = write(tmp_path, {"compose.yaml": project, "big.env": big})
    with processor_time_below(1), suppress(SettingsError):
        resolve([read(path, {"BIG": "x" * 1_000}).layer])
