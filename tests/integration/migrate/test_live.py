"""A rehearsal under load, on real servers: the cut-over, the way back, and what makes its verdict bad."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from click import UsageError
from click.testing import CliRunner

from stanlocal.cli.context import Context
from stanlocal.cli.migrate import migrate
from stanlocal.migrate.live.cutover import Cutover
from stanlocal.migrate.live.rehearsal import LiveRehearsal
from tests.integration.migrate.test_rehearsal import servers_of
from tests.support.cli import Cli

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("jetstream_binary", "on_path")]

_WAY = ["copy", "follow", "subscribers", "publishers", "verify"]
_BACK = ["relay back", "subscribers back", "publishers back", "verify back"]


@pytest.fixture
def on_path(server_binary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let local processes run the test's server."""
    monkeypatch.setenv("STANLOCAL_SERVER_BINARY", str(server_binary))


def _content(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.timeout(240)
def test_nothing_is_lost_there_and_back_while_active_nodes_are_killed(
    real_store: Path, tmp_path: Path
) -> None:
    """The scratch group begins with a copy of the store, whose channels go along."""
    before = _content(real_store)
    cli = Cli(tmp_path, {"STANLOCAL_ENGINE": "process", "XDG_STATE_HOME": str(tmp_path / "state")})
    options = ("--live", "--kill-active", "3", "--rollback", "--html", "r.html", "--junit", "r.xml")
    found = cli.json("migrate", "rehearse", str(real_store), *options)
    assert (found["ok"], found["problems"]) == (True, [])
    assert [found[key] for key in ("lost", "gaps", "forked", "unknown")] == [0, 0, 0, 0]
    assert found["duplicates"]["unexplained"] == 0
    assert len(found["failovers"]) == 3
    phases = {each["name"]: each for each in found["phases"]}
    assert list(phases) == [*_WAY, *_BACK]
    assert phases["copy"]["detail"].endswith("messages into nats-server 2.15.2")
    pauses = [each["name"] for each in found["phases"] if each["pause_s"] is not None]
    assert pauses == ["publishers", "publishers back"]
    assert "publishers back" in (tmp_path / "r.html").read_text()
    cases = Xml.parse(tmp_path / "r.xml").findall(".//testcase")
    assert [case.attrib["name"] for case in cases[1:]] == [*_WAY, *_BACK]
    assert _content(real_store) == before
    assert cli.json("list")["groups"] == []


@pytest.mark.timeout(120)
async def test_a_message_that_a_stream_lacks_makes_the_verdict_bad(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both by the comparison and by the ledger; without kills no message comes twice."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    copied = Cutover._copy

    async def one_less(cutover: Cutover) -> int:
        count = await copied(cutover)
        [channel] = cutover._channels
        request = {"seq": 5, "no_erase": True}
        await cutover._server.ask(f"STREAM.MSG.DELETE.{channel.replace('.', '_')}", request)
        return count

    monkeypatch.setattr(Cutover, "_copy", one_less)
    outcome = await LiveRehearsal(tmp_path / "work", engine="process").run()
    found = outcome.document()
    assert not outcome.verdict.ok
    assert any(
        "1 difference (missing): sequence 5 is not in the stream" in each for each in found["problems"]
    )
    assert (found["lost"], found["duplicated"], found["undelivered"]) == (1, 0, 0)
    assert [phase.name for phase in outcome.phases] == _WAY
    assert not servers_of(tmp_path)


@pytest.mark.timeout(120)
async def test_a_rehearsal_that_is_stopped_half_way_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Subscribers are moving, and publishers are not: the relay goes on until they have everything."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    rehearsal = LiveRehearsal(tmp_path / "work", engine="process")

    def stop(line: str) -> None:
        if line == "subscribers":
            asyncio.get_running_loop().call_later(0.03, rehearsal.drill.stop)

    rehearsal.drill.report = stop
    outcome = await rehearsal.run()
    assert (outcome.ended, outcome.verdict.problems) == ("interrupted", ())
    assert outcome.document()["lost"] == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--rollback",), "--kill-active and --rollback belong to '--live'"),
        (("--kill-active", "2"), "--kill-active and --rollback belong to '--live'"),
        (("--live", "--salvage"), "--salvage: a live rehearsal needs an intact store"),
        (("--live", "--names", "f"), "--names, --key-file and --from mean nothing to '--live'"),
    ],
)
def test_options_that_do_not_belong_together_are_refused(options: tuple[str, ...], said: str) -> None:
    done = CliRunner().invoke(migrate, ["rehearse", *options], obj=Context(), standalone_mode=False)
    assert isinstance(done.exception, UsageError)
    assert done.exception.message.startswith(said)
