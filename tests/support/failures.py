"""The tests that failed in a run of pytest: `python -m tests.support.failures CACHE` names each on a line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

if __name__ == "__main__":
    failed = json.loads((Path(sys.argv[1]) / "v" / "cache" / "lastfailed").read_text("utf-8"))
    sys.stdout.writelines(f"{test}\n" for test in failed)
