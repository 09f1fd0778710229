"""Configurations of supervisord, with programs of one process or several, and included files."""

from __future__ import annotations

from pathlib import Path

import pytest

from stanlocal.imports.reading import read
from stanlocal.settings import resolve
from tests.unit.imports.imported import FT, imported, matters, problems, reported, summary, write

_START = "/usr/bin/nats-streaming-server -st file -ft_group g"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"[program:stan]\ncommand={_START} -cid orders\n", "2 orders g"),
        (
            f"[supervisord]\nnodaemon=true\n[program:stan]\ncommand = {_START} ; the server\n",
            "2 test-cluster g",
        ),
        (f"[program:a]\ncommand={_START}\n[program:b]\ncommand={_START}\n", "2 test-cluster g"),
        (
            f"[program:stan]\ncommand={_START} -n %(program_name)s-%(process_num)02d\nnumprocs=3\n"
            "process_name=%(program_name)s_%(process_num)02d\n",
            "3 test-cluster g",
        ),
        (
            f"[program:stan]\ncommand={_START}\n  -cid continued\n  ; a comment\n  -mm 7\nautorestart=true\n",
            "2 continued g max_msgs=7",
        ),
        (
            "[program:stan]\nenvironment=CID=\"a-b\",GROUP='g',X=y\n"
            "command=bash -c 'exec nats-streaming-server -st file -ft_group \"$GROUP\" -cid $CID'\n",
            "2 a-b g",
        ),
        (f"[program:stan]\ncommand={_START} -cid %(ENV_ID)s\n", "2 from-env g"),
        (
            f"[supervisord]\nenvironment=ID=over\n[program:stan]\ncommand={_START} -cid %(ENV_ID)s\n",
            "2 over g",
        ),
        ("[program:stan]\ncommand=nats-streaming-server -c %(here)s/stan.conf\n", "2 in-file g"),
        ("[program:stan]\ncommand=./start.sh -mm 9\n", "2 in-file g max_msgs=9"),
        ("[include]\nfiles = conf.d/*.ini other.ini\n", "2 included g"),
        (
            f"[program:web]\ncommand=nginx\n[program:stan]\ncommand={_START} -user 100%%\n"
            f"[program:old]\ncommand={_START} -cid old\nautostart=false\n[group:all]\nprograms=web,stan\n",
            "2 test-cluster g",
        ),
    ],
)
def test_programs_that_run_the_server_are_the_group(tmp_path: Path, text: str, expected: str) -> None:
    files = {
        "supervisord.conf": text,
        "stan.conf": f"{FT} id: in-file\n}}",
        "start.sh": '#!/bin/sh\nexec nats-streaming-server -sc /etc/stan.conf "$@"\n',
        "conf.d/stan.ini": f"[program:stan]\ncommand={_START} -cid included\n",
    }
    assert matters(tmp_path, files, {"ID": "from-env"}) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[supervisord]\n", "s.conf:1:1: no program of this supervisord runs nats-streaming-server"),
        ("[program:web]\ncommand=nginx\n", "s.conf:1:1: no program of this supervisord runs"),
        (f"[program:a]\ncommand={_START} -cid %(ENV_NONE)s\n", "s.conf:2:1: streaming.cluster_id is $NONE"),
        (f"[program:a]\ncommand={_START} -cid 'x\n", "s.conf:2:1: the command cannot be split into words"),
        (f"[program:a]\ncommand={_START}\nnumprocs=many\n", "s.conf:3:1: numprocs is 'many'"),
        (f"[program:a]\ncommand={_START}\nnumprocs=99\n", "s.conf:2:1: there are more than 64 servers"),
        ("[program:a]\ncommand\n", "s.conf:2:1: this line is neither a section nor NAME=value"),
        (
            f"[program:a]\ncommand={_START} -cid a\n[program:b]\ncommand={_START} -cid b\n",
            "s.conf:4:1: the servers are not one FT group",
        ),
    ],
)
def test_a_configuration_that_cannot_be_run_is_one_line(tmp_path: Path, text: str, expected: str) -> None:
    (problem,) = problems(tmp_path, {"s.conf": text})
    assert problem.startswith(expected)


def test_the_rest_of_a_program_is_left_out_with_its_reason(tmp_path: Path) -> None:
    text = f"[program:web]\ncommand=nginx\n[program:a]\ncommand={_START}\nuser=nats\nautorestart=true\n"
    said = reported(imported(tmp_path, {"s.conf": text}))
    assert "s.conf:5: program:a user ('nats') left out: nodes run as the caller" in said
    assert "s.conf:2: program web left out: it runs no nats-streaming-server" in said
    assert any("program:a autorestart" in line and "up --attach" in line for line in said)


def test_a_folder_of_programs_is_one_configuration(tmp_path: Path) -> None:
    programs = {f"{name}.conf": f"[program:{name}]\ncommand={_START}\n" for name in "abc"}
    write(tmp_path, {"supervisord.conf": "[supervisord]\n[include]\nfiles=*.conf\n", **programs})
    assert summary(resolve([read(tmp_path, {}).layer])) == "3 test-cluster g"
