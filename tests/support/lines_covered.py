"""Fails when fewer lines are covered than a floor: `python -m tests.support.lines_covered REPORT PERCENT`.

`coverage report --fail-under` counts branches and lines together.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(report: str, floor: str) -> int:
    totals = json.loads(Path(report).read_text(encoding="utf-8"))["totals"]
    lines = 100 * totals["covered_lines"] / totals["num_statements"]
    branches = 100 * totals["covered_branches"] / totals["num_branches"]
    sys.stdout.write(
        f"{lines:.1f} % of lines and {branches:.1f} % of branches covered; at least {floor} % of lines\n"
    )
    return 0 if lines >= float(floor) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
