"""Every key that acts on the group: question, action and outcome."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from stanlocal.api import FTGroup
from stanlocal.faults.registry import FAULTS
from stanlocal.testing.fake.machine import FakeMachine
from stanlocal.tui.actions import KEYED
from tests.support.world import World
from tests.tui.conftest import press_to_ask, running, shown, until, until_shown

Check = Callable[[FakeMachine], bool]


def status(node: str, wanted: str) -> Check:
    return lambda machine: machine.nodes[node].status == wanted


def networks(node: str, count: int) -> Check:
    return lambda machine: len(machine.nodes[node].networks) == count


def exit_code(node: str, code: int) -> Check:
    return lambda machine: machine.nodes[node].exit_code == code


@pytest.mark.parametrize(
    ("key", "yes", "question", "expected", "command", "done"),
    [
        ("k", "k", "kill t-0?", "failover: t-1 takes the store lock", "kill @active", exit_code("t-0", 137)),
        ("s", "s", "stop t-0?", "failover: t-1 takes the store lock", "stop @active", exit_code("t-0", 143)),
        (
            "p",
            "Y",
            "pause t-0?",
            "keeps the store lock while frozen",
            "pause @active",
            status("t-0", "paused"),
        ),
        (
            "c",
            "c",
            "partition t-0?",
            "keeps the store lock and serves",
            "partition @active",
            networks("t-0", 1),
        ),
        ("i", "Y", "isolate t-0?", "lives and keeps the store lock", "isolate @active", networks("t-0", 0)),
    ],
)
async def test_a_fault_is_predicted_then_injected_then_judged(
    key: str,
    yes: str,
    question: str,
    expected: str,
    command: str,
    done: Check,
    world: World,
    ft_group: FTGroup,
) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await pilot.press(key)
        await until_shown(pilot, question)
        assert expected in shown(pilot)
        assert f"stanlocal --group t {command}" in shown(pilot)
        assert not done(world.machine)
        await pilot.press(yes)
        await until(pilot, lambda: done(world.machine))
        await until_shown(pilot, "as expected")


async def test_restart_brings_the_node_back(world: World, ft_group: FTGroup) -> None:
    await world.up()
    before = world.starts["t-1"]
    async with running(ft_group) as pilot:
        await press_to_ask(pilot, "J", "r")
        await pilot.press("enter")
        await until(pilot, lambda: world.starts["t-1"] != before)
        await until_shown(pilot, "as expected")
    assert world.machine.nodes["t-1"].status == "running"


@pytest.mark.parametrize(
    ("key", "hurt", "back"),
    [
        ("p", status("t-1", "paused"), status("t-1", "running")),
        ("c", networks("t-1", 1), networks("t-1", 2)),
        ("i", networks("t-1", 0), networks("t-1", 2)),
    ],
)
async def test_the_same_key_undoes_it(
    key: str, hurt: Check, back: Check, world: World, ft_group: FTGroup
) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await press_to_ask(pilot, "J", key)
        await pilot.press("enter")
        await until(pilot, lambda: hurt(world.machine))
        await until_shown(pilot, "t: degraded")
        await pilot.press(key)
        await until(pilot, lambda: back(world.machine))
        await until_shown(pilot, "t: healthy")


async def test_start_starts_what_does_not_run(world: World, ft_group: FTGroup) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await press_to_ask(pilot, "k")
        await pilot.press("k")
        await until_shown(pilot, "t-1 is active")
        await pilot.press("S")
        await until_shown(pilot, "stanlocal --group t start t-0")
        await until_shown(pilot, "t: healthy")
        await pilot.press("S")
        await until_shown(pilot, "every node runs")


async def test_heal_undoes_everything(world: World, ft_group: FTGroup) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await press_to_ask(pilot, "c")
        await pilot.press("c")
        await until(pilot, lambda: networks("t-0", 1)(world.machine))
        await until_shown(pilot, "as expected")
        await pilot.press("h")
        await until(pilot, lambda: networks("t-0", 2)(world.machine))
        await until_shown(pilot, "stanlocal --group t heal")


async def test_the_end_of_the_only_node_that_serves_takes_a_key_of_its_own(
    world: World, ft_group: FTGroup
) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await press_to_ask(pilot, "J", "k")
        await pilot.press("k")
        await until_shown(pilot, "t: degraded")
        await until(pilot, lambda: exit_code("t-1", 137)(world.machine))
        await pilot.press("a", "k")
        await until_shown(pilot, "after this no node serves")
        for key in ("enter", "k", "space", "tab", "x"):
            await pilot.press(key)
        await until_shown(pilot, "x does nothing here; Y does it, esc leaves it")
        await pilot.press("enter")
        await until_shown(pilot, "enter does nothing here")
        assert world.machine.nodes["t-0"].status == "running"
        await pilot.press("Y")
        await until(pilot, lambda: exit_code("t-0", 137)(world.machine))


async def until_said(pilot: Pilot[None], line: str) -> None:
    await until(pilot, lambda: line in [note.message for note in pilot.app._notifications])


def end(world: World, node: str) -> None:
    """Ends the node's server as nothing in the interface does."""
    server = world.machine.nodes[node].server
    assert server is not None
    server.signal("SIGKILL")


@pytest.mark.parametrize(
    ("asks", "question", "yes"),
    [
        (("k",), "kill t-0?", "k"),
        (("s",), "stop t-0?", "s"),
        (("r",), "restart t-0?", "enter"),
        (("p",), "pause t-0?", "Y"),
        (("c",), "partition t-0?", "enter"),
        (("i",), "isolate t-0?", "Y"),
    ],
)
async def test_a_yes_after_a_failover_hits_no_node_that_was_not_asked_about(
    asks: tuple[str, ...], question: str, yes: str, world: World, ft_group: FTGroup
) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await press_to_ask(pilot, *asks)
        end(world, "t-0")
        await until_shown(pilot, "t-1 is active")
        assert question in shown(pilot)
        await pilot.press(yes)
        await until_said(pilot, "@active is no longer t-0 but t-1: nothing was done; press the key again")
    assert status("t-1", "running")(world.machine)
    assert networks("t-1", 2)(world.machine)
    assert not world.home.journal.faults()


async def test_a_yes_does_not_end_the_service_where_the_question_had_not_said_so(
    world: World, ft_group: FTGroup
) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await press_to_ask(pilot, "k")
        end(world, "t-1")
        await until_shown(pilot, "t: degraded")
        await pilot.press("k")
        await until_said(
            pilot, "after kill t-0 no node would serve now: nothing was done; press the key again"
        )
    assert status("t-0", "running")(world.machine)
    assert not world.home.journal.faults()


@pytest.mark.parametrize(
    ("opens", "key", "hint"),
    [
        ("k", "x", "enter or k does it, esc leaves it"),
        ("f", "x", "up, down and enter choose, esc leaves it"),
    ],
)
async def test_a_key_that_does_nothing_in_a_dialog_says_so(
    opens: str, key: str, hint: str, world: World, ft_group: FTGroup
) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await pilot.press(opens)
        await until(pilot, lambda: len(pilot.app.screen_stack) == 2)
        await pilot.press(key)
        await until_shown(pilot, f"{key} does nothing here; {hint}")
        await pilot.press("escape")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
    assert {node.status for node in world.machine.nodes.values()} == {"running"}


async def test_escape_leaves_everything_as_it_is(world: World, ft_group: FTGroup) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await pilot.press("k")
        await until_shown(pilot, "kill t-0?")
        await pilot.press("escape")
        await until(pilot, lambda: "kill t-0?" not in shown(pilot))
    assert world.machine.nodes["t-0"].status == "running"
    assert not world.home.journal.faults()


@pytest.mark.parametrize("fault", [name for name in FAULTS if name not in KEYED])
async def test_every_fault_is_in_the_list(fault: str, world: World, ft_group: FTGroup) -> None:
    """Each is predicted, or refused with the reason if this group cannot have it."""
    await world.up()
    async with running(ft_group) as pilot:
        await pilot.press("f")
        await until_shown(pilot, "a fault")
        await choose(pilot, fault)
        await until(pilot, lambda: f"fault {fault} " in shown(pilot) or "not done" in shown(pilot))


async def open_form(pilot: Pilot[None], name: str) -> None:
    """Moves through the list as it is ordered, those without a key first."""
    ordered = sorted(FAULTS, key=lambda each: each in KEYED)
    await pilot.press(*["down"] * ordered.index(name), "enter")
    await until_shown(pilot, "Predict the outcome")


async def choose(pilot: Pilot[None], name: str) -> None:
    """Takes the fault's form as it is."""
    await open_form(pilot, name)
    await pilot.press("enter")


async def test_enter_does_not_confirm_data_loss(world: World, ft_group: FTGroup) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await pilot.press("f")
        await choose(pilot, "expire-lock")
        await until_shown(pilot, "two actives will write into one store")
        await pilot.press("enter")
        await until_shown(pilot, "enter does nothing here; Y does it, esc leaves it")
        assert not world.home.journal.faults()
        await pilot.press("escape")
        await until(pilot, lambda: "expire-lock t-0?" not in shown(pilot))
    assert not world.home.journal.faults()


@pytest.mark.parametrize(("downs", "code"), [(0, 137), (2, 0)])
async def test_a_signal_of_the_users_choice_is_a_kill_with_it(
    downs: int, code: int, world: World, ft_group: FTGroup
) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await pilot.press("K")
        await until_shown(pilot, "a signal to @active")
        await pilot.press(*["down"] * downs, "enter")
        await until_shown(pilot, "kill t-0?")
        await pilot.press("enter")
        await until(pilot, lambda: exit_code("t-0", code)(world.machine))


async def test_a_signal_that_ends_nothing_is_sent_and_not_recorded(world: World, ft_group: FTGroup) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await press_to_ask(pilot, "K")
        await pilot.press(*["down"] * 5, "enter")
        await until_shown(pilot, "stanlocal --group t kill @active --signal HUP")
    assert "Reloaded server configuration" in world.machine.nodes["t-0"].output[-1].text
    assert not world.home.journal.faults()


async def test_impossible_fault_is_refused_before_the_question(world: World, ft_group: FTGroup) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await pilot.press("f")
        await choose(pilot, "fill-disk")
        await until_shown(pilot, "fill-disk needs a store with a")


async def test_without_an_active_node_a_key_says_so(world: World, ft_group: FTGroup) -> None:
    look = await world.up()
    async with running(ft_group) as pilot:
        world.machine.stores[look.plan.store_dir].held_back = True
        await press_to_ask(pilot, "k")
        await pilot.press("k")
        await until_shown(pilot, "t: failover")
        await pilot.press("k")
        await until_shown(pilot, "no node is active now")
        world.machine.stores[look.plan.store_dir].held_back = False


async def test_down_asks_and_keeps_the_store_and_up_brings_it_back(world: World, ft_group: FTGroup) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await pilot.press("D")
        await until_shown(pilot, "take t down?")
        assert "stanlocal --group t down" in shown(pilot)
        await pilot.press("enter")
        await until_shown(pilot, "enter does nothing here; Y does it")
        await pilot.press("Y")
        await until_shown(pilot, "t: down")
        assert world.machine.nodes == {}
        await pilot.press("u")
        await until_shown(pilot, "start the group?")
        await pilot.press("enter")
        await until_shown(pilot, "t: healthy")


async def test_the_last_act_is_copied_as_a_command(world: World, ft_group: FTGroup) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await pilot.press("y")
        await until_shown(pilot, "no action yet")
        await pilot.press("p")
        await until_shown(pilot, "pause t-0?")
        await pilot.press("y")
        assert pilot.app.clipboard == "stanlocal --group t pause @active"
        await pilot.press("Y")
        await until_shown(pilot, "as expected")
        await pilot.press("h")
        await until_shown(pilot, "stanlocal --group t heal")
        await pilot.press("y")
        assert pilot.app.clipboard == "stanlocal --group t heal"


async def test_read_only_no_key_changes_anything(world: World, ft_group: FTGroup) -> None:
    await world.up()
    async with running(ft_group, read_only=True) as pilot:
        assert "read only" in shown(pilot)
        assert "Kill" not in shown(pilot)
        for key in "ksSrpcihfKuD":
            await pilot.press(key, "enter")
        await pilot.pause()
        assert len(pilot.app.screen_stack) == 1
    assert {node.status for node in world.machine.nodes.values()} == {"running"}
    assert not world.home.journal.faults()
