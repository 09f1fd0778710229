"""systemd units with their variables and drop-ins."""

from __future__ import annotations

from pathlib import Path

import pytest

from stanlocal.imports.reading import read
from stanlocal.settings import resolve
from tests.unit.imports.imported import FT, imported, matters, problems, reported, summary, write

_START = "/usr/local/bin/nats-streaming-server"


def unit(*lines: str) -> str:
    return "\n".join(
        [
            "[Unit]",
            "Description=NATS",
            "",
            "[Service]",
            *lines,
            "",
            "[Install]",
            "WantedBy=multi-user.target",
            "",
        ]
    )


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([f"ExecStart={_START} -sc /etc/stan.conf"], "2 in-file g"),
        ([f"ExecStart={_START} --config=/etc/stan.conf -cid over"], "2 over g"),
        (
            [f"ExecStart={_START} \\", "  -st file \\", "# a comment", "  -ft_group g -mm 5"],
            "2 test-cluster g max_msgs=5",
        ),
        ([f"ExecStart=-+!@{_START} shown-name -st file -ft_group g"], "2 test-cluster g"),
        ([f"ExecStart=:{_START} -st file -ft_group g -user $ID"], "2 test-cluster g"),
        (
            ["ExecStart=/bin/true", "ExecStart=", f"ExecStart={_START} -st file -ft_group g"],
            "2 test-cluster g",
        ),
        (
            [
                'Environment="CID=a-b" GROUP=g',
                "Environment=X='y z'",
                f"ExecStart={_START} -st file -cid ${{CID}} -ft_group ${{GROUP}}",
            ],
            "2 a-b g",
        ),
        (['Environment="OPTS=-st file -ft_group g"', f"ExecStart={_START} $OPTS $NONE"], "2 test-cluster g"),
        (
            ["EnvironmentFile=-/etc/gone", "EnvironmentFile=/etc/default/stan", f"ExecStart={_START} $ARGS"],
            "2 by-env e",
        ),
        (
            ["Environment=ARGS=no", "EnvironmentFile=/etc/default/stan", f"ExecStart={_START} $ARGS -mc 7"],
            "2 by-env e max_channels=7",
        ),
        (["ExecStart=/usr/local/bin/start.sh -mm=3"], "2 in-file g max_msgs=3"),
        ([f"ExecStart=/bin/sh -c 'exec {_START} -st file -ft_group g -n $(hostname)'"], "2 test-cluster g"),
        ([f'ExecStart=/bin/bash -lc "{_START} -st file -ft_group \\"g\\""'], "2 test-cluster g"),
        ([f"ExecStart=/usr/bin/numactl -C 1 {_START} -st file -ft_group g%%x"], "2 test-cluster g%x"),
        ([f"ExecStart={_START} -st file -ft_group g -n %H -dir /data/%i"], "2 test-cluster g"),
        (
            [
                "ExecStart=/usr/bin/docker run --rm --name %n -v /etc/stan.conf:/s.conf "
                "nats-streaming:0.25 -c /s.conf"
            ],
            "2 in-file g",
        ),
    ],
)
def test_a_unit_runs_with_its_command_line_and_variables(
    tmp_path: Path, lines: list[str], expected: str
) -> None:
    files = {
        "stan.service": unit(*lines),
        "stan.conf": f"{FT} id: in-file\n}}",
        "start.sh": '#!/bin/sh\nexec nats-streaming-server -sc /etc/stan.conf "$@"\n',
        "stan": '# defaults\nARGS="-st file -cid by-env -ft_group e"\n',
    }
    assert matters(tmp_path, files) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            [f"ExecStart={_START} -sc /etc/stan.conf"],
            "stan.service:5:1: the server reads /etc/stan.conf, which is neither given nor",
        ),
        (["ExecStart=/bin/true"], "stan.service:1:1: this unit starts no nats-streaming-server"),
        ([], "stan.service:1:1: this unit starts no nats-streaming-server"),
        (
            ["EnvironmentFile=/etc/default/x", f"ExecStart={_START} -st file"],
            "stan.service:5:1: the unit reads variables from /etc/default/x",
        ),
        (
            [f"ExecStart={_START} -st file -cid ${{CID}}"],
            "stan.service:5:1: streaming.cluster_id is $CID, which is set neither",
        ),
        ([f"ExecStart={_START} -st file -cid %i"], "stan.service:5:1: streaming.cluster_id is $%i"),
        (["strange"], "stan.service:5:1: this line is neither a section nor NAME=value"),
    ],
)
def test_a_unit_that_cannot_be_run_is_one_line_with_its_place(
    tmp_path: Path, lines: list[str], expected: str
) -> None:
    (problem,) = problems(tmp_path, {"stan.service": unit(*lines)})
    assert problem.startswith(expected)


def test_the_file_to_add_is_named_as_the_command_takes_it(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, {"stan.service": unit(f"ExecStart={_START} -sc /etc/stan.conf")})
    assert problem.endswith("add the file: --from stan.service --from /etc/stan.conf")


def test_a_drop_in_as_a_second_file_changes_the_unit(tmp_path: Path) -> None:
    files = {
        "stan.service": unit(f"ExecStart={_START} -st file -ft_group g -cid $CID", "Environment=CID=first"),
        "override.conf": "[Service]\nEnvironment=CID=second\nExecStart=\n"
        f"ExecStart={_START} -st file -ft_group g -cid ${{CID}}\n",
    }
    paths = write(tmp_path, files)
    for order in (paths, paths[::-1], [tmp_path]):
        assert summary(resolve([read(order, {}).layer])) == "2 second g"


def test_the_drop_in_folder_of_a_given_folder_is_read(tmp_path: Path) -> None:
    files = {
        "stan.service": unit(f"ExecStart={_START} -st file -ft_group g"),
        "stan.service.d/10-cid.conf": f"[Service]\nExecStart=\nExecStart={_START} -st file -ft_group g "
        f"-cid dropped-in\n",
    }
    write(tmp_path, files)
    assert summary(resolve([read(tmp_path, {}).layer])) == "2 dropped-in g"


def test_an_instance_has_its_name_and_several_units_are_nodes(tmp_path: Path) -> None:
    start = f"ExecStart={_START} -st file -ft_group g -cid c%i"
    assert matters(tmp_path, {"stan@7.service": unit(start)}) == "2 c7 g"
    both = write(tmp_path, {f"stan-{name}.service": unit(start.replace("%i", "")) for name in "abc"})
    assert summary(resolve([read(both, {}).layer])) == "3 c g"


def test_a_drop_in_changes_only_the_unit_whose_folder_it_is_in(tmp_path: Path) -> None:
    start = f"ExecStart={_START} -st file -ft_group g -cid $CID"
    dropped = "[Service]\nEnvironment=CID=dropped\n"
    files = {
        "a.service": unit(start, "Environment=CID=same"),
        "b@1.service": unit(start, "Environment=CID=b%i"),
        "b@.service.d/x.conf": "[Service]\nEnvironment=CID=same\n",
        "c.service.d/x.conf": dropped,
    }
    write(tmp_path, files)
    assert summary(resolve([read(tmp_path, {}).layer])) == "2 same g"


def test_drop_ins_beside_a_unit_are_read_as_systemd_reads_them(tmp_path: Path) -> None:
    files = {
        "stan.service": unit(f"ExecStart={_START} -st file -ft_group g -cid $CID"),
        "stan.service.d/10.conf": "[Service]\nEnvironment=CID=first\n",
        "stan.service.d/20.conf": "[Service]\nEnvironment=CID=second\n",
    }
    assert matters(tmp_path, files) == "2 second g"


def test_a_file_that_is_written_before_the_start_is_read(tmp_path: Path) -> None:
    lines = [
        "Environment=CID=written",
        'ExecStartPre=/bin/sh -c \'printf "streaming { id: %%s, store: file, ft_group: g }" \\',
        '"$CID" >/run/a.conf\'',
        f"ExecStart={_START} -c /run/a.conf",
    ]
    assert matters(tmp_path, {"stan.service": unit(*lines)}) == "2 written g"


def test_the_units_own_name_is_in_its_specifiers(tmp_path: Path) -> None:
    lines = ["EnvironmentFile=/etc/default/%p", f"ExecStart={_START} -st file -ft_group %N -cid ${{ID}}"]
    files = {"stan@7.service": unit(*lines), "stan": "ID=seven\n"}
    assert matters(tmp_path, files) == "2 seven stan@7"


def test_a_file_named_by_an_unknown_instance_is_asked_for(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, {"stan@.service": unit(f"ExecStart={_START} -sc /etc/%i.conf")})
    assert "the server reads its configuration from %i, which the unit's name does not tell" in problem


def test_other_units_of_a_folder_are_no_nodes(tmp_path: Path) -> None:
    files = {
        "a.service": unit(f"ExecStart={_START} -st file -ft_group g"),
        "backup.service": unit("ExecStart=/usr/bin/rsync /data x:/"),
        "backup.timer": "[Unit]\nDescription=b\n[Timer]\nOnCalendar=daily\n",
    }
    write(tmp_path, files)
    found = read(tmp_path, {})
    assert summary(resolve([found.layer])) == "2 test-cluster g"
    left_out = [line for line in reported(found) if "starts no nats-streaming-server" in line]
    assert [line.partition(":")[0] for line in left_out] == ["backup.service", "backup.timer"]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["Image=nats-streaming:0.25.6", "Exec=-st file -ft_group g -cid orders"], "2 orders g"),
        (
            [
                "Image=docker.io/library/nats-streaming",
                "Volume=/etc/stan.conf:/etc/stan/stan.conf:ro,Z",
                "Exec=-sc /etc/stan/stan.conf",
            ],
            "2 in-file g",
        ),
        (
            [
                "Image=localhost/private:7",
                "Environment=ID=by-env GROUP=g",
                "EnvironmentFile=stan",
                "Entrypoint=/bin/sh",
                "Exec=-c 'exec nats-streaming-server -st file -ft_group $$GROUP -cid $$ID $$ARGS'",
            ],
            "2 by-env g max_msgs=7",
        ),
        (["Image=nats-streaming", "ContainerName=%p", "Exec=-st file -ft_group %N -cid %p"], "2 stan stan"),
        (["Image=mine/stan", "Exec=-st=file --ft_group=g --cid=mine", "PublishPort=4222:4222"], "2 mine g"),
    ],
)
def test_a_quadlet_runs_with_its_container(tmp_path: Path, lines: list[str], expected: str) -> None:
    files = {
        "stan.container": "\n".join(["[Unit]", "Description=stan", "[Container]", *lines, "[Service]", ""]),
        "stan.conf": f"{FT} id: in-file\n}}",
        "stan": "ARGS=-mm 7\n",
    }
    assert matters(tmp_path, files) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[Container]\nImage=nginx\n", "stan.container:1:1: this unit starts no nats-streaming-server"),
        ("[Container]\nExec=-st file\n", "stan.container:1:1: this unit starts no nats-streaming-server"),
        (
            "[Kube]\nYaml=stan.yaml\n",
            "stan.container:1:1: this unit runs the Kubernetes objects of stan.yaml",
        ),
        (
            "[Container]\nImage=nats-streaming\nExec=-sc /etc/x.conf\n",
            "stan.container:3:1: the server reads /etc/x.conf, which is neither given nor in",
        ),
    ],
)
def test_a_quadlet_that_runs_no_group_is_one_line(tmp_path: Path, text: str, expected: str) -> None:
    (problem,) = problems(tmp_path, {"stan.container": text})
    assert problem.startswith(expected)


def test_the_rest_of_a_unit_is_left_out_with_its_reason(tmp_path: Path) -> None:
    lines = ["User=nats", "Restart=always", "ExecStartPre=/bin/x", f"ExecStart={_START} -st file -ft_group g"]
    said = " ".join(reported(imported(tmp_path, {"stan.service": unit(*lines)})))
    assert "Service.User ('nats') left out: nodes run as the caller" in said
    assert "Service.ExecStartPre ('/bin/x') left out: a file cannot make anything run" in said
    assert "Service.Restart ('always') left out: 'stanlocal up --attach' restarts dead nodes" in said
