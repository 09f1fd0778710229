"""Drills: a failure scenario under load, with a verdict from its ledger.

::

    outcome = await drill.run("kill-loop", seed=7)
    assert outcome.verdict.ok, outcome.verdict.problems
"""

from __future__ import annotations

from stanlocal.drill.analysis.outcome import Outcome, judged
from stanlocal.drill.analysis.verdict import Budget, Verdict
from stanlocal.drill.progress import Progress
from stanlocal.drill.runner import Drill, run
from stanlocal.drill.scenario.scenario import Scenario
from stanlocal.drill.scenario.scenario_file import load_scenario, shipped
from stanlocal.drill.scenario.spec import LoadSpec

__all__ = [
    # running one
    "Drill",
    "Progress",
    "run",
    # what is run
    "Budget",
    "LoadSpec",
    "Scenario",
    "load_scenario",
    "shipped",
    # its result
    "Outcome",
    "Verdict",
    "judged",
]  # fmt: skip
