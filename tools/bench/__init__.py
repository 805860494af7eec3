"""What the action costs, beside what else could do its work. Started by the scripts beside it."""

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2] / "tests"
sys.path += [str(TESTS / "common"), str(TESTS)]  # what the tests share, and the agents
