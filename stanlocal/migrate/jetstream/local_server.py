"""A JetStream server of a rehearsal's own, as a local process over a folder of its own."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from stanlocal.engine.artifacts.binary import host_platform
from stanlocal.engine.artifacts.child_process import ChildTimeout, run_child
from stanlocal.engine.artifacts.go_build import JETSTREAM_NAME, JETSTREAM_VERSION, build, jetstream_server
from stanlocal.errors import ImageNotFound, JetStreamError
from stanlocal.util.addresses import LOOPBACK

_OLDEST = (2, 15)
_READY_S = 30.0
_END_S = 10.0
_PAUSE_S = 0.02
MAX_PAYLOAD = 64 << 20
"""Bytes of the largest message that the server takes: whatever a store may have."""
MAX_STORE = 1 << 60
"""Bytes that the streams' limits may add up to: they are reserved, and no disk is that large."""

_SCRIPT = '"$0" "$@" </dev/null & read -r line; kill $!; wait $!'
"""Ends the server when its standard input is closed: so it never outlives the tool, however that ends."""

Report = Callable[[str], None]
"""Callback that takes a line on what is being done."""


async def present_server() -> Path | None:
    """Return a nats-server of 2.15 or later that is on PATH or was built before; None without one."""
    on_path = shutil.which(JETSTREAM_NAME)
    if on_path is not None and await _version(on_path) >= _OLDEST:
        return Path(on_path)
    kept = jetstream_server(JETSTREAM_VERSION).kept(host_platform())[JETSTREAM_NAME]
    return kept if kept.is_file() else None


async def find_server(report: Report) -> Path:
    """Return a nats-server of 2.15 or later that is there, or build one. Raises `JetStreamError`."""
    present = await present_server()
    if present is not None:
        return present
    try:
        built = await build(jetstream_server(JETSTREAM_VERSION), host_platform(), report)
    except ImageNotFound as error:
        raise JetStreamError(
            f"no nats-server of 2.15 or later to rehearse with: none on PATH, and {error}; install it, or Go"
        ) from error
    return built[JETSTREAM_NAME]


async def _version(binary: str) -> tuple[int, ...]:
    try:
        finished = await run_child([binary, "--version"], silence_s=_END_S)
    except (OSError, ChildTimeout):
        return ()
    found = re.search(r"v(\d+)\.(\d+)", " ".join(finished.tail))
    return (int(found[1]), int(found[2])) if found else ()


class LocalServer:
    """A server that can be stopped and started again over the same folder and port."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self._binary = binary
        self._folder = folder
        self._port = -1
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"nats://{LOOPBACK}:{self._port}"

    async def start(self) -> None:
        """Start it and wait until it serves; raises `JetStreamError`."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        ports = self._folder / "ports"
        shutil.rmtree(ports, ignore_errors=True)
        ports.mkdir()
        log, conf = self._folder / "server.log", self._folder / "server.conf"
        conf.write_text(
            f'host: "{LOOPBACK}"\nport: {self._port}\nports_file_dir: {json.dumps(str(ports))}\n'
            f"max_payload: {MAX_PAYLOAD}\nmax_pending: {2 * MAX_PAYLOAD}\n"
            f"jetstream {{ store_dir: {json.dumps(str(self._folder))}, max_file_store: {MAX_STORE} }}\n",
            encoding="utf-8",
        )
        with log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *("sh", "-c", _SCRIPT, str(self._binary), "-c", str(conf)),
                stdin=asyncio.subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._port = await self._published(ports, log)

    async def _published(self, ports: Path, log: Path) -> int:
        """Return the port that the server writes into a file once it listens."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_READY_S):
                while self._process is not None and self._process.returncode is None:
                    for file in ports.glob("*.ports"):
                        with suppress(ValueError, LookupError):  # half written
                            return int(json.loads(file.read_text())["nats"][0].rpartition(":")[2])
                    await asyncio.sleep(_PAUSE_S)
        lines = log.read_text(errors="replace").splitlines() or ["nothing"]
        raise JetStreamError(f"{self._binary} did not start; it wrote: {lines[-1]}")

    async def stop(self) -> None:
        """Stop it and wait for its end."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(_END_S):
                await process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


@asynccontextmanager
async def local_server(folder: Path, report: Report) -> AsyncIterator[LocalServer]:
    """Run a server over the folder; it has ended when the block has."""
    server = LocalServer(await find_server(report), folder)
    try:
        await server.start()
        yield server
    finally:
        await server.stop()
