"""Runs real agents with the action's configs. See README.md."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "common"))  # what the tests share
