"""Shell scripts and command lines as they stand in documentation, in repositories and in init folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.imports.imported import FT, imported, matters, problems, reported, settings

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


_WRITTEN = "streaming {\n id: %s\n store: file\n ft_group: g\n}\n"
_ONE_LINE = _WRITTEN.replace("\n", "\\n")
_STARTS = "nats-streaming-server -c /etc/stan/stan.conf\n"
WRITES = {
    "printf": f"printf '{_ONE_LINE}' \"$ID\" > /etc/stan/stan.conf\n",
    "echo": "echo 'streaming { store: file, ft_group: g' > /etc/stan/stan.conf\n"
    'echo "id: $ID }" >> /etc/stan/stan.conf\n',
    "echo -e": 'echo -en "streaming {\\n id: $ID\\n store: file; ft_group: g }"'
    " | sudo tee /etc/stan/stan.conf\n",
    "document": f"cat <<EOF > /etc/stan/stan.conf\n{_WRITTEN % '$ID'}EOF\n",
    "piped document": "cat <<-'EOF' | sudo tee /etc/stan/stan.conf >/dev/null 2>&1\n"
    f"{_WRITTEN % 'from-env'}EOF\n",
    "tee": f"tee /etc/stan/stan.conf <<EOF\n{_WRITTEN % '${ID:-x}'}EOF\n",
    "in two parts": "cat > /etc/stan/stan.conf <<'EOF'\nmax_payload: 1MB\nEOF\n"
    f"cat >> /etc/stan/stan.conf <<EOF\n{_WRITTEN % '$ID'}EOF\n",
    "group": "{\n echo 'streaming {'\n mkdir -p /x\n echo \" id: $ID\"\n"
    " printf '%s\\n' 'store: file' 'ft_group: g' '}'\n"
    "} > /etc/stan/stan.conf\n",
    "function": f"conf() {{\n cat <<EOF\n{_WRITTEN % '$1'}EOF\n}}\nconf $ID > /etc/stan/stan.conf\n",
    "substitution": f'CONF=$(cat <<EOF\n{_WRITTEN % "$ID"}EOF\n)\necho "$CONF" >/etc/stan/stan.conf\n',
    "here-string": 'cat > /etc/stan/stan.conf <<< "streaming { id: $ID, store: file, ft_group: g }"\n',
    "envsubst": "export ID\nenvsubst '$ID' < conf/stan.tpl > /etc/stan/stan.conf\n",
    "copy": "cat conf/part1 conf/part2 > /etc/stan/stan.conf\n",
}


@pytest.mark.parametrize("name", WRITES)
def test_a_configuration_that_the_script_writes_is_read(tmp_path: Path, name: str) -> None:
    files = {
        "run.sh": f"#!/bin/bash\n{WRITES[name]}{_STARTS}",
        "conf/stan.tpl": _WRITTEN % "${ID}",
        "conf/part1": "streaming {\n id: from-env\n",
        "conf/part2": " store: file\n ft_group: g\n}\n",
    }
    assert matters(tmp_path, files, {"ID": "from-env"}) == "2 from-env g"


@pytest.mark.parametrize(
    ("writes", "expected"),
    [
        (
            f"cat > /etc/stan/stan.conf <<EOF\n{_WRITTEN % '$(hostname -s)'}EOF\n",
            "is $(hostname_-s), which is set",
        ),
        (
            f"cat > /etc/stan/stan.conf <<EOF\n{_WRITTEN % '$NONE'}EOF\n",
            "run.sh:4:2: streaming.cluster_id is $NONE",
        ),
        (
            f'echo "{_WRITTEN % "$NONE"}" > /etc/stan/stan.conf\n',
            "streaming.cluster_id is $NONE, which is set",
        ),
        (
            "sed s/a/b/ x > /etc/stan/stan.conf\n",
            "the server reads /etc/stan/stan.conf, which is neither given",
        ),
        ("{ cat x; echo '}'; } > /etc/stan/stan.conf\n", "/etc/stan/stan.conf, which is neither given"),
    ],
)
def test_what_only_running_would_tell_of_a_written_file_is_said(
    tmp_path: Path, writes: str, expected: str
) -> None:
    (problem,) = problems(tmp_path, {"run.sh": f"#!/bin/sh\n{writes}{_STARTS}"})
    assert expected in problem


_PAIR_OF = "nats-streaming-server -st file -ft_group g -cid two"
OTHERS = {
    "arguments": f"sh -c 'exec nats-streaming-server \"$@\"' -- {_PAIR_OF.partition(' ')[2]}\n",
    "scripts": "#!/bin/sh\n./node.sh two &\nbash node.sh two &\n",
    "arrays": "A=(-st file\n  -ft_group g) # both\nA+=(-cid 'two')\nnats-streaming-server \"${A[@]}\"\n",
    "declared": 'declare -a A=(-st file -ft_group g -cid two)\nnats-streaming-server ${A[*]} "${NONE[@]}"\n',
    "added to": "O='-st file'\nO+=' -ft_group g -cid two'\nnats-streaming-server $O\n",
    "all exported": "set -a\n. ./vars.env\nset +a\nnats-streaming-server -c by-env.conf\n",
    "exported lines": "export $(grep -v '^#' vars.env | xargs)\nnats-streaming-server -c by-env.conf\n",
    "set": 'set -- -st file -ft_group g -cid two\nnats-streaming-server "$@"\n',
    "shift": 'run() { shift; nats-streaming-server "$@"; }\nrun x -st file -ft_group g -cid two\n',
    "tmux": f"tmux new-session -d -s stan '{_PAIR_OF} -p 1'\ntmux split-window '{_PAIR_OF} -p 2'\n",
    "screen": f"screen -dmS a {_PAIR_OF}\nscreen -dmS b {_PAIR_OF}\n",
    "systemd-run": f"systemd-run --unit=stan -p Restart=always /usr/bin/{_PAIR_OF}\n",
    "container shell": f"docker run -d --entrypoint /bin/sh nats-streaming:alpine -c '{_PAIR_OF}'\n",
    "container script": "#!/bin/sh\ndocker run -v $PWD:/s mine /s/node.sh two\n",
    "container": f"podman run --name=a -e X=1 -- nats-streaming {_PAIR_OF.partition(' ')[2]}\n",
    "service": f"docker service create --name s --replicas 2 nats-streaming {_PAIR_OF.partition(' ')[2]}\n",
    "input": f"#!/bin/sh\nssh a <<'E'\n{_PAIR_OF}\nE\nssh -p 22 b bash -s <<E\n{_PAIR_OF}\nE\n",
    "shell input": f"#!/bin/sh\nsudo sh <<'E'\n{_PAIR_OF}\nE\n",
    "several shifted": f'n() {{ local a=$1; shift 2; {_PAIR_OF} "$@" & }}\nn a b -n x\nn c d -n y\n',
    "Procfile": f"a: {_PAIR_OF} -p 1\nb: {_PAIR_OF} -p 2\nweb: ./web\n",
    "crontab": f"# stan\n@reboot stan /usr/bin/{_PAIR_OF} >> /var/log/stan 2>&1\n",
    "document": f"Don't forget:\n\n```sh\n$ {_PAIR_OF}\n```\n\nIt's (as ever):\n\n~~~\n{_PAIR_OF}\n~~~\n",
    "makefile": f"run:\n\t{_PAIR_OF} -p 1 &\n\t{_PAIR_OF} -p 2 &\n",
}


@pytest.mark.parametrize("name", OTHERS)
def test_servers_are_found_however_a_script_starts_them(tmp_path: Path, name: str) -> None:
    files = {
        "run": OTHERS[name],
        "node.sh": "#!/bin/sh\nexec nats-streaming-server -st file -ft_group g -cid $1\n",
        "vars.env": "# both\nID=two\nFT=g\n",
        "by-env.conf": "streaming { id: $ID, store: file, ft_group: $FT }",
    }
    assert matters(tmp_path, files) == "2 two g"


_UNIT = f"[Service]\nExecStart=/usr/bin/{_PAIR_OF}\n"
INSTALLS = {
    "unit": f"cat > /etc/systemd/system/stan.service <<'E'\n{_UNIT}E\nsystemctl enable --now stan\n",
    "unit and configuration": "tee /etc/stan.conf <<E\nstreaming { id: two, store: file, ft_group: $FT }\nE\n"
    "cat > stan.service <<E\n[Service]\nExecStart=/bin/nats-streaming-server -c /etc/stan.conf\nE\n",
    "two units": f"for n in a b; do cat > /etc/systemd/system/$n.service <<E\n{_UNIT}E\ndone\n",
    "supervisord": f"printf '[program:stan]\\ncommand={_PAIR_OF}\\nnumprocs=2\\n' > /etc/stan.conf\n",
    "compose": "cat > compose.yaml <<'E'\nservices:\n  a: &a\n    image: nats-streaming\n    command: >-\n"
    f"      {_PAIR_OF.partition(' ')[2]}\n  b: *a\nE\ndocker compose up -d\n",
    "objects": "kubectl apply -f - <<E\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: s}\nspec:\n"
    "  replicas: 2\n  template: {spec: {containers: [{name: c, image: nats-streaming, args: "
    "[-st, file, -ft_group, $FT, -cid, two]}]}}\nE\n",
}


@pytest.mark.parametrize("name", INSTALLS)
def test_a_deployment_that_a_script_writes_is_read(tmp_path: Path, name: str) -> None:
    script = f"#!/bin/sh\nset -eu\nFT=g\n{INSTALLS[name]}"
    assert matters(tmp_path, {"install.sh": script}) == "2 two g"


def test_what_is_wrong_in_a_file_that_a_script_writes_names_both(tmp_path: Path) -> None:
    script = f"#!/bin/sh\ncat > /etc/a.service <<E\n{_UNIT.replace(' -cid two', ' -strange')}E\n"
    (problem,) = problems(tmp_path, {"install.sh": script})
    assert problem.startswith("install.sh:/etc/a.service:2:1: the server knows no flag '-strange'")


@pytest.mark.parametrize("word", ["echo", "pkill -f", "logger 'starting", "grep -c", "printf '%s'"])
def test_a_command_that_only_names_the_server_starts_none(tmp_path: Path, word: str) -> None:
    end = "'" if word.endswith("starting") else ""
    (problem,) = problems(tmp_path, {"run.sh": f"#!/bin/sh\n{word} {_PAIR_OF}{end}\n"})
    assert "this script starts no nats-streaming-server" in problem


def test_a_script_that_runs_itself_is_read_once(tmp_path: Path) -> None:
    script = f"#!/bin/sh\n[ $(id -u) = 0 ] || exec sudo ./run.sh\n{_PAIR_OF}\n"
    assert matters(tmp_path, {"run.sh": script}) == "2 two g"


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


_SECRET = '"$(cat /etc/secret/pw)"'
_SERVER = "nats-streaming-server -sc stan.conf"


@pytest.mark.parametrize(
    "script",
    [
        f"export PASSWORD={_SECRET}\n{_SERVER}\n",
        f"PASSWORD={_SECRET}\nexport PASSWORD\n{_SERVER}\n",
        f"PASSWORD={_SECRET} {_SERVER}\n",
        f"PASSWORD=known\nexport PASSWORD\nPASSWORD={_SECRET} {_SERVER}\n",
        f"env PASSWORD={_SECRET} {_SERVER}\n",
        f"docker run -e PASSWORD={_SECRET} -v .:/c nats-streaming -sc /c/stan.conf\n",
        f"docker run -ePASSWORD={_SECRET} -v .:/c nats-streaming -sc /c/stan.conf\n",
        f'start() {{\n export PASSWORD="$1"\n {_SERVER}\n}}\nstart {_SECRET}\n',
        f'set -- {_SECRET}\nexport PASSWORD="$*"\n{_SERVER}\n',
    ],
)
@pytest.mark.parametrize("environ", [{}, {"PASSWORD": "of another"}])
def test_a_password_that_only_running_would_tell_is_asked_for(
    tmp_path: Path, script: str, environ: dict[str, str]
) -> None:
    conf = f"authorization {{ user: u, password: $PASSWORD }}\n{FT}}}\n"
    (need,) = imported(tmp_path, {"run.sh": script, "stan.conf": conf}, environ).needs
    assert "nats.authorization.password is $PASSWORD, which is set neither" in need.problem


@pytest.mark.parametrize(
    "script",
    [
        f"export PASSWORD={_SECRET}\nPASSWORD=known {_SERVER}\n",
        f"export PASSWORD={_SECRET}\nexport PASSWORD=known\n{_SERVER}\n",
        "docker run -ePASSWORD=known -v .:/c nats-streaming -sc /c/stan.conf\n",
    ],
)
def test_a_password_that_a_command_is_given_is_taken(tmp_path: Path, script: str) -> None:
    conf = f"authorization {{ user: u, password: $PASSWORD }}\n{FT}}}\n"
    found = settings(tmp_path, {"run.sh": script, "stan.conf": conf})
    assert found.nats["authorization"]["password"] == "known"


def test_a_configuration_whose_name_is_too_long_is_not_there(tmp_path: Path) -> None:
    script = f"nats-streaming-server -sc {'x' * 300}\n"
    assert "which is neither given nor in this file's folder" in problems(tmp_path, {"run.sh": script})[0]
