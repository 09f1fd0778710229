"""Programs with other clients reach a secured group by nothing but the variables of `stanlocal env`."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from stanlocal import stan
from stanlocal.api import FTGroup
from stanlocal.machine.user_dirs import cache_folder
from tests.bench.stan.peers import NODE_CLIENT
from tests.conftest import unavailable
from tests.integration.secure.conftest import environment
from tests.support.gotools import VERSION

PEERS = Path(__file__).parent / "peers"
BUILD_S = 300


def run(
    *command: str | Path, env: Mapping[str, str] = MappingProxyType({}), folder: Path | None = None
) -> str:
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **env}, capture_output=True, text=True, timeout=BUILD_S
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def go_peer() -> Path:
    """The program with stan.go, built once."""
    if shutil.which("go") is None:
        unavailable("no Go to build a program with")
    folder = cache_folder() / "peers" / "go"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(PEERS / "peer.go", folder)
    if not (folder / "go.sum").exists():
        (folder / "go.mod").write_text(f"module peer\n\nrequire github.com/nats-io/stan.go {VERSION}\n")
        run("go", "mod", "tidy", folder=folder)
    run("go", "build", "-o", "peer", ".", folder=folder, env={"CGO_ENABLED": "0"})
    return folder / "peer"


def node_modules() -> Path:
    """The folder with node-nats-streaming, installed once."""
    if shutil.which("npm") is None:
        unavailable("no npm to install node-nats-streaming with")
    folder = cache_folder() / "peers" / "node"
    if not (folder / "node_modules" / "node-nats-streaming").exists():
        folder.mkdir(parents=True, exist_ok=True)
        run("npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", folder, NODE_CLIENT)
    return folder / "node_modules"


def peer(language: str, channel: str, text: str, env: Mapping[str, str]) -> str:
    """Return the text that the program has published and read back."""
    if language == "go":
        return run(go_peer(), channel, text, env=env)
    modules = {"NODE_PATH": str(node_modules())}
    return run("node", PEERS / "peer.js", channel, text, env={**env, **modules})


async def test_a_program_with_our_client_gets_in(group: FTGroup) -> None:
    """As docs/security.md shows it."""
    env = await environment(group)
    async with stan.connect(
        env["NATS_URL"].split(","),
        cluster_id=env["STAN_CLUSTER_ID"],
        client_id="me",
        tls=ssl.create_default_context(cafile=env["NATS_CA"]),
        user=env["NATS_USER"],
        password=Path(env["NATS_PASSWORD_FILE"]).read_text("ascii"),
    ) as client:
        await client.publish("python", b"1")


@pytest.mark.slow
@pytest.mark.parametrize("verify", [False, True], ids=["tls", "mutual"])
@pytest.mark.parametrize("language", ["go", "node"])
async def test_a_program_in_another_language_gets_in(name: str, language: str, verify: bool) -> None:
    """Also where the server demands the client's certificate."""
    group = FTGroup(group=name, secure=True, nats={"tls": {"verify": verify}})
    await group.up()
    env = await environment(group)
    text = f"{language} {verify}"
    assert await asyncio.to_thread(peer, language, language, text, env) == text
    await group.close()
