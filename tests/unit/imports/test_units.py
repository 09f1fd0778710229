"""systemd units with their variables and drop-ins."""

from __future__ import annotations

from pathlib import Path

import pytest

from stanlocal.imports import read
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
        (["strange"], "stan.service:5:1: this line of the unit is neither a section nor NAME=value"),
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


def test_the_rest_of_a_unit_is_left_out_with_its_reason(tmp_path: Path) -> None:
    lines = ["User=nats", "Restart=always", "ExecStartPre=/bin/x", f"ExecStart={_START} -st file -ft_group g"]
    said = " ".join(reported(imported(tmp_path, {"stan.service": unit(*lines)})))
    assert "Service.User ('nats') left out: nodes run as the caller" in said
    assert "Service.ExecStartPre ('/bin/x') left out: a file cannot make anything run" in said
    assert "Service.Restart ('always') left out: 'stanlocal up --attach' restarts dead nodes" in said
