"""Scripts that a shell runs on the real server: its effective settings are those that the import reads."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from stanlocal.imports.reading import read
from stanlocal.settings import Settings, resolve
from stanlocal.settings.values import parse_duration
from tests.support.ports import free_ports
from tests.support.server import READY, Server, monitor

_AT = "-a 127.0.0.1 -p $CLIENT -m $MONITOR"
_SCRIPTS = {
    "flags": f"""CID=one
exec nats-streaming-server {_AT} -st FILE -dir "$PWD/d" -ft_group "g" --cluster_id=$CID-${{X:-2}} \\
  -mc 0x10 -mm=1_000 -max_bytes 5kb -ma 90m -msu 010 -mi 1h -SDV=false $NOTHING -hbi 7s
""",
    "written": f"""export ID=written AGE='"36h"'
cat > stan.conf <<'EOF'
max_payload: 2mb
streaming {{ id: $ID, store: file, dir: d, ft_group_name: g
  limits {{ mc: 7, max_age: $AGE, channels {{ "a.>" {{ max_msgs: 3 }} }} }} }}
EOF
exec nats-streaming-server {_AT} -c stan.conf -mm 9
""",
    "halves": f"""ID=halves; cat > stan.conf <<EOF
store: file
dir: "d"
id: $ID
ft_group: g
limits {{ mm: 5 }}
EOF
if [ -z "$UNSET" ]; then LIMIT=11; fi
[ -n "$ID" ] || LIMIT=12
nohup nats-streaming-server {_AT} -c nats.conf -sc ./stan.conf -mc $LIMIT -sc stan.conf
""",
    "pieces": f"""set -- pieces x
names() {{ printf '%s\\n' "  id: $1-$2" "  ft_group: g"; shift; }}
{{ echo 'streaming {{'; names "$@"; echo '  store: file'; }} > made.conf
printf '  dir: "%s"\\n  limits {{ mc: %d, ' d 13 >> made.conf
LINE=$(grep -v '^#' line)
echo "$LINE }} }}" | tee -a made.conf >/dev/null
cp made.conf stan.conf
exec nats-streaming-server {_AT} -c ./stan.conf
""",
    "calls": """set -a
. ./vars.env
set +a
sh -c 'exec sh node.sh "$@"' name -st file -dir d -ft_group g
""",
    "shell": f"""start() {{ sh -c "exec nats-streaming-server {_AT} -st file -dir d $*"; }}
for group in g; do start -ft_group $group -cid "in-$group" -mb 1GB -encrypt=false; done
""",
}
_FILES = {
    "nats.conf": "max_payload: 3mb\nstreaming { id: wrong }\n",
    "line": "# a comment\nmm: 14\n",
    "vars.env": "# variables\nCID=by-env\nMAX='15'\n",
    "node.sh": f"#!/bin/sh\nexec nats-streaming-server {_AT} -cid $CID -mm $MAX $@\n",
}


@pytest.mark.parametrize("name", _SCRIPTS)
def test_a_scripts_server_has_the_settings_that_are_read(
    server_binary: Path, tmp_path: Path, name: str
) -> None:
    client, at = free_ports(2)
    environ = {"CLIENT": str(client), "MONITOR": str(at)}
    script = tmp_path / "run.sh"
    script.write_text(_SCRIPTS[name])
    for each, text in _FILES.items():
        (tmp_path / each).write_text(text)
    found = resolve([read(script, environ).layer])
    path = f"{server_binary.parent}:{os.environ['PATH']}"
    with running(script, {**environ, "PATH": path}):
        served = monitor(at, "/streaming/storez")["limits"]
        assert _limits(found) == {key: served[key] for key in _limits(found)}
        assert found.streaming["cluster_id"] == monitor(at, "/streaming/serverz")["cluster_id"]
        assert found.nats.get("max_payload", 1 << 20) == monitor(at, "/varz")["max_payload"]


@contextmanager
def running(script: Path, environ: Mapping[str, str]) -> Iterator[None]:
    """Run the script until its server is ready; all its processes are ended on the way out."""
    process = subprocess.Popen(
        ["sh", script.name],
        cwd=script.parent,
        env=environ,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    server = Server(process)
    follower = threading.Thread(target=server.follow)
    follower.start()
    try:
        server.wait_for(READY)
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        follower.join()
        assert process.stderr is not None
        process.stderr.close()


def _limits(found: Settings) -> dict[str, Any]:
    limits = found.streaming["store_limits"]
    return {
        "max_channels": limits["max_channels"],
        "max_msgs": limits["max_msgs"],
        "max_bytes": limits["max_bytes"],
        "max_subscriptions": limits["max_subs"],
        "max_age": parse_duration(str(limits["max_age"])),
        "max_inactivity": parse_duration(str(limits.get("max_inactivity", "0"))),
    }
