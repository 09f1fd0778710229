"""Shell scripts and command lines as they stand in documentation, in repositories and in init folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.imports.imported import FT, imported, matters, problems, reported

_PAIR = """#!/bin/sh
nats-streaming-server -store file -dir datastore -ft_group "ft" -cluster nats://localhost:6222 -routes \\
    nats://localhost:6223 -p 4222 &
nats-streaming-server -store file -dir datastore -ft_group "ft" -cluster nats://localhost:6223 -routes \\
    nats://localhost:6222 -p 4223 &
wait
"""

SCRIPTS = [
    (
        "nats-streaming-server -store file -dir d -ft_group g -cid orders -cluster "
        "nats://0.0.0.0:6222 -routes nats://b:6222\n",
        "2 orders g",
    ),
    (_PAIR, "2 test-cluster ft"),
    (
        "$ nats-streaming-server --store=file --dir=d --ft_group=g --max_msgs=7\n",
        "2 test-cluster g max_msgs=7",
    ),
    (
        "CID=orders\nFT='g.h'\nexec /opt/nats-streaming-server -st FILE -dir d -cid "
        '"$CID" -ft_group "$FT"\n',
        "2 orders g.h",
    ),
    (
        "for i in 1 2 3; do\n  nohup nats-streaming-server -st file -dir d -ft_group g "
        "-p $((4221 + i)) >log$i 2>&1 &\ndone\n",
        "3 test-cluster g",
    ),
    (
        "run() {\n  nats-streaming-server -st file -dir d -ft_group g -mc $1 &\n}\nrun 5\nrun 5\n",
        "2 test-cluster g max_channels=5",
    ),
    (
        "cat > /tmp/stan.conf <<EOF\nstreaming {\n store: file\n ft_group: g\n id: $ID\n"
        "}\nEOF\nnats-streaming-server -sc /tmp/stan.conf\n",
        "2 from-env g",
    ),
    ("sudo -u stan env A=b nats-streaming-server -sc conf/stan.conf\n", "2 in-file g"),
    (
        "docker run -d --name a -v $PWD/conf:/etc/stan -p 4222:4222 nats-streaming:0.25 "
        "-sc /etc/stan/stan.conf\n"
        "docker run -d --name b -v $(pwd)/conf:/etc/stan nats-streaming:0.25 -c /etc/stan/stan.conf\n",
        "2 in-file g",
    ),
    (
        'case "$1" in\n start) start-stop-daemon --start --exec '
        "/usr/bin/nats-streaming-server -- -st file -ft_group g ;;\n stop) kill 1;;\nesac\n",
        "2 test-cluster g",
    ),
    (". ./vars.sh\nnats-streaming-server $OPTS -mm=9\n", "2 sourced s max_msgs=9"),
    (
        'for host in a b; do ssh -p 22 root@$host "nats-streaming-server -st file '
        '-ft_group g -n $host"; done\n',
        "2 test-cluster g",
    ),
    (
        'nats-streaming-server -st file -ft_group ${GROUP:-fallback} $NOTHING -mb 5kb "$@"\n',
        "2 test-cluster fallback max_bytes=5120",
    ),
    ("while true; do nats-streaming-server -st file -ft_group g; sleep 1; done\n", "2 test-cluster g"),
    (
        "nats-streaming-server -st file -ft_group g &\nnats-streaming-server -st file "
        "-ft_group g &\nnats-streaming-server -cid other -st memory &\n",
        "2 test-cluster g",
    ),
    (
        'if [ -z "$X" ]; then X=late; fi\n[ -n "$ID" ] || ID=never\n'
        "nats-streaming-server -st file -cid $ID -ft_group $X\n",
        "2 from-env late",
    ),
]


@pytest.mark.parametrize(("script", "expected"), SCRIPTS)
def test_servers_that_a_script_starts_are_the_group(tmp_path: Path, script: str, expected: str) -> None:
    files = {
        "run.sh": script,
        "conf/stan.conf": f"{FT} id: in-file\n}}",
        "vars.sh": "export OPTS='-st file -cid sourced -ft_group s'\n",
    }
    assert matters(tmp_path, files, {"ID": "from-env"}) == expected


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (
            "#!/bin/sh\necho nats-streaming-server\n",
            "run.sh:1:1: this script starts no nats-streaming-server",
        ),
        ("nats-streaming-server -strange\n", "run.sh:1:23: the server knows no flag '-strange'"),
        (
            "nats-streaming-server -sc /etc/other.conf\n",
            "run.sh:1:27: the server reads /etc/other.conf, which is neither given nor in",
        ),
        (
            "nats-streaming-server -sc ../other.conf\n",
            "the server reads ../other.conf, which is neither given nor in",
        ),
        ("nats-streaming-server -sc $CONF\n", "run.sh:1:27: the server reads its configuration from $CONF"),
        (
            "nats-streaming-server -st file -ft_group g -cid $(hostname)\n",
            "run.sh:1:49: streaming.cluster_id is $(hostname)",
        ),
        ("nats-streaming-server -st file -ft_group 'g\n", "the quote ' is not closed"),
        ("nats-streaming-server -st memory -ft_group g\n", "run.sh:1:27: streaming.store is 'memory'"),
        (
            "nats-streaming-server -st file -ft_group g &\nnats-streaming-server -st file -ft_group h &\n",
            "run.sh:2:1: the servers are not one FT group",
        ),
        (
            "nats-streaming-server -st file -dir a &\nnats-streaming-server -st file -dir b &\n",
            "run.sh:2:1: the servers are not one FT group",
        ),
        (
            "nats-streaming-server -clustered -cluster_peers a,b -st file\n",
            "run.sh:1:23: this is a Raft cluster",
        ),
        ("#!/bin/sh\n" + "{ " * 100 + "nats-streaming-server -st file", "commands are nested too deeply"),
        ("#!/bin/sh\nf() { f; }\nf\n", "functions and scripts are nested too deeply"),
        (
            "#!/bin/sh\nfor i in {1..100}; do for j in {1..100}; do true; done; done\n",
            "there are more than 5000 commands",
        ),
        ("#!/bin/sh\nA=x\nfor i in {1..100}; do A=$A$A; done\n", "characters, those of variables included"),
    ],
)
def test_a_script_that_cannot_be_run_is_one_line_with_its_place(
    tmp_path: Path, script: str, expected: str
) -> None:
    (problem,) = problems(tmp_path, {"in/run.sh": f"{script}", "other.conf": FT + "}"})
    assert expected in problem.replace("in/", "")


def test_nothing_of_a_script_is_run(tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    script = (
        f"#!/bin/sh\ntouch {proof}\n$(touch {proof})\nnats-streaming-server -st file "
        f"-ft_group `touch {proof}`g\n"
    )
    problems(tmp_path, {"run.sh": script})
    assert not proof.exists()


def test_differences_between_the_nodes_are_reported(tmp_path: Path) -> None:
    script = (
        "nats-streaming-server -st file -ft_group g -mm 5 -p 1\nnats-streaming-server "
        "-st file -ft_group g -mm 6 -p 2\n"
    )
    found = imported(tmp_path, {"run.sh": script})
    assert [line for line in reported(found) if " changed: " in line] == [
        "run.sh:1: the server of line 1, the server of line 2 changed: 2 nodes of one FT group run, or as "
        "many as --nodes says",
        "run.sh:2: streaming.store_limits.max_msgs (6) changed: the server of line 2 differs from the server "
        "of line 1, whose value all nodes take",
    ]


def test_a_single_server_of_a_group_becomes_two_nodes_and_that_is_reported(tmp_path: Path) -> None:
    found = imported(tmp_path, {"run.sh": "nats-streaming-server -st file -ft_group g\n"})
    assert any(
        "one server is there; 2 nodes run, or as many as --nodes says" in line for line in reported(found)
    )


def test_a_server_of_another_group_is_left_out(tmp_path: Path) -> None:
    found = imported(tmp_path, {"run.sh": SCRIPTS[-2][0]})
    assert any("it is another server (cluster id other, no FT group)" in line for line in reported(found))


def test_an_encrypted_store_gets_its_key_from_the_servers_environment(tmp_path: Path) -> None:
    script = "export NATS_STREAMING_ENCRYPTION_KEY=k1\nnats-streaming-server -st file -ft_group g -encrypt\n"
    assert imported(tmp_path, {"run.sh": script}).layer.values["streaming"]["encryption_key"] == "k1"
    plain = script.replace(" -encrypt", "")
    assert "encryption_key" not in imported(tmp_path, {"run.sh": plain}).layer.values["streaming"]
