"""The reader of scenarios in TOML, which reports all problems at once, before anything starts.

The format is described in docs/drills.md.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from stanlocal.drill.analysis.verdict import Budget
from stanlocal.drill.scenario.conditions import Condition
from stanlocal.drill.scenario.fields import Fields
from stanlocal.drill.scenario.parameters import read_into
from stanlocal.drill.scenario.scenario import (
    ANY_NODE,
    NOW,
    ROLES,
    WITHIN_S,
    Act,
    Block,
    Heal,
    Inject,
    Publishers,
    Repair,
    Scenario,
    Step,
    Subscribers,
    Wait,
)
from stanlocal.drill.scenario.spec import LoadSpec
from stanlocal.errors import SettingsError
from stanlocal.faults.base import Fault
from stanlocal.faults.registry import FAULTS
from stanlocal.model.states import GroupState
from stanlocal.settings.file import file_layer
from stanlocal.settings.tool_options import MAX_NODES
from stanlocal.settings.values import parse_size
from stanlocal.util.nearest import nearest

SCENARIOS = Path(__file__).parent / "shipped"
"""Folder of the shipped scenarios."""
_FOREVER = "forever"
_DEEPEST = 5
_KINDS = ("durable", "plain", "queue")
_COUNTS = ("failovers", "acked", "delivered")


def shipped() -> list[str]:
    """Return the names of the shipped scenarios."""
    return sorted(path.stem for path in SCENARIOS.glob("*.toml"))


def load_scenario(name: str | Path, faults: Mapping[str, type[Fault]] = FAULTS) -> Scenario:
    """Return the shipped scenario of that name, or the one in that file.

    Raises `SettingsError` with all its problems, one line each.
    """
    path = Path(name)
    if str(name) in shipped():
        path = SCENARIOS / f"{name}.toml"
    elif path.suffix != ".toml" and len(path.parts) == 1:
        hint = f"{nearest(str(name), shipped())}; a scenario of your own is a file that ends in .toml"
        raise SettingsError([f"no scenario '{name}'; {hint}"])
    values = file_layer(path, None, named=True).values
    problems: list[str] = []
    scenario = _scenario(Fields(values, "", problems), path, faults)
    if problems:
        raise SettingsError([f"{path.name}: {problem}" for problem in problems])
    return scenario


def _scenario(table: Fields, path: Path, faults: Mapping[str, type[Fault]]) -> Scenario:
    table_of_group = table.table("group")
    nodes = table_of_group.whole("nodes", 2, least=1, most=MAX_NODES)
    store_size = table_of_group.text("store_size") or None
    proxied, secure = table_of_group.flag("proxied"), table_of_group.flag("secure")
    table_of_group.end()
    if store_size is not None:
        try:
            parse_size(store_size)
        except ValueError as reason:
            table_of_group.problem(f"'store_size' {reason}")
    load_table, budget_table = table.table("load"), table.table("budget")
    load = read_into(LoadSpec, load_table) or LoadSpec()
    for problem in load.problems():
        load_table.problem(problem)
    budget = read_into(Budget, budget_table) or Budget()
    load_table.end()
    budget_table.end()
    reader = _Steps(nodes, faults)
    scenario = Scenario(
        name=path.stem,
        title=table.text("title", path.stem),
        teaches=" ".join(table.text("teaches").split()),
        steps=reader.steps(table, 1),
        nodes=nodes,
        store_size=store_size,
        proxied=proxied,
        secure=secure,
        duration_s=table.seconds("duration"),
        load=load,
        budget=budget,
        source=path.read_text("utf-8"),
    )
    table.end()
    _check_whole(table, scenario)
    return scenario


def _check_whole(table: Fields, scenario: Scenario) -> None:
    """Check what depends on all steps together."""
    if not table.raw("step"):
        table.problem("it has no step; write one under [[step]]")
    if scenario.duration_s is None and _repeats_forever(scenario.steps):
        table.problem(f"repeat = '{_FOREVER}' needs a 'duration' of the whole drill, such as '10m'")


def _repeats_forever(steps: Collection[Step | Block]) -> bool:
    blocks = [each for each in steps if isinstance(each, Block)]
    return any(block.repeat is None or _repeats_forever(block.steps) for block in blocks)


class _Steps:
    """Reader of the steps of a scenario for a group of `nodes` nodes."""

    def __init__(self, nodes: int, faults: Mapping[str, type[Fault]]) -> None:
        self._nodes = nodes
        self._faults = faults
        self._acts: Mapping[str, Callable[[Fields], Act]] = {
            "wait": lambda table: Wait(),
            "heal": lambda table: Heal(self._targets(table)),
            "repair": lambda table: Repair(),
            "start-publishers": lambda table: Publishers(on=True),
            "stop-publishers": lambda table: Publishers(on=False),
            "start-subscribers": lambda table: Subscribers(True, table.choice("kind", _KINDS)),
            "stop-subscribers": lambda table: Subscribers(False, table.choice("kind", _KINDS)),
        }

    def steps(self, table: Fields, depth: int) -> tuple[Step | Block, ...]:
        """Return the steps under `[[step]]`; invalid ones are left out, their problems noted."""
        if depth > _DEEPEST:
            table.problem(f"steps are nested more than {_DEEPEST} deep")
            table.raw("step")
            return ()
        found = [self._entry(each, depth) for each in table.tables("step")]
        return tuple(each for each in found if each is not None)

    def _entry(self, table: Fields, depth: int) -> Step | Block | None:
        if table.spoilt:
            return None
        entry = self._step(table) if "step" not in table else self._block(table, depth)
        table.end()
        return entry

    def _block(self, table: Fields, depth: int) -> Block:
        return Block(
            steps=self.steps(table, depth + 1),
            repeat=_repeat(table),
            random=table.flag("random"),
            weight=table.whole("weight", 1, least=1),
        )

    def _step(self, table: Fields) -> Step | Block | None:
        act = self._act(table)
        repeat = _repeat(table)
        step = Step(
            act=act or Wait(),
            at=table.span("at"),
            after=table.span("after") or NOW,
            until=_condition(table),
            within_s=table.seconds("within", WITHIN_S) or WITHIN_S,
            weight=table.whole("weight", 1, least=1),
        )
        if act is None:
            return None
        return step if repeat == 1 else Block((step,), repeat, weight=step.weight)

    def _act(self, table: Fields) -> Act | None:
        name = table.text("do")
        known = [*self._acts, *self._faults]
        if not name:
            table.problem(f"it says nothing to do; {nearest('do', known)}")
        elif name in self._acts:
            return self._acts[name](table)
        elif name not in self._faults:
            table.problem(f"no step or fault '{name}'; {nearest(name, known)}")
        else:
            return self._inject(self._faults[name], table)
        return None

    def _inject(self, kind: type[Fault], table: Fields) -> Inject | None:
        targets, lasts = self._targets(table), table.span("for")
        if lasts is not None and kind.leaves is None:
            table.problem(f"{kind.name} ends by itself: leave 'for' out")
        fault = read_into(kind, table)
        return None if fault is None else Inject(fault, targets, lasts)

    def _targets(self, table: Fields) -> tuple[str, ...]:
        targets = table.words("targets")
        for target in targets:
            if problem := self._impossible(target):
                table.problem(problem)
        return targets

    def _impossible(self, target: str) -> str | None:
        if target == "@standby" and self._nodes == 1:
            return "no node is ever '@standby' in a group of 1; give it more under [group]"
        if target in (ANY_NODE, *ROLES) or (
            target.isdecimal() and len(target) < 5 and int(target) < self._nodes
        ):
            return None
        if target.isdecimal():
            return f"no node {target} in a group of {self._nodes}: they are 0 to {self._nodes - 1}"
        return f"no target '{target}'; {nearest(target, (*ROLES, ANY_NODE, 'a number such as 0'))}"


def _repeat(table: Fields) -> int | None:
    """Return the number of rounds; None for as long as the drill lasts."""
    if table.raw("repeat") == _FOREVER:
        return None
    return table.whole("repeat", 1, least=1)


def _condition(table: Fields) -> Condition | None:
    """Read `until = "healthy"`, or `until = { state = "healthy", acked = 1000 }`."""
    value = table.raw("until")
    if value is None:
        return None
    inner = Fields({"state": value}, table.place, []) if isinstance(value, str) else table.table("until")
    counts = {what: inner.whole(what, 0) for what in _COUNTS}
    state = inner.text("state")
    inner.end()
    if inner.spoilt:
        return None
    states = [each.value for each in GroupState]
    if state and state not in states:
        table.problem(f"no state '{state}' of a group; {nearest(state, states)}")
        return None
    condition = Condition(GroupState(state) if state else None, **counts)
    if not str(condition):
        table.problem(f"'until' asks for nothing; give it a state, {' or '.join(_COUNTS)}")
    return condition
