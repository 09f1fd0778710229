"""An engine in memory: groups without servers, for tests of code that handles groups."""

from stanlocal.testing.fake.engine import FakeEngine
from stanlocal.testing.fake.machine import FakeMachine
from stanlocal.testing.fake.server import Pace, Trouble

__all__ = ["FakeEngine", "FakeMachine", "Pace", "Trouble"]
