"""The tests that hold the reference to the specification, run on the native engine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
WORKED_OUT_BY_HAND = ["astrocytes", "calcium", "flows", "freeze", "gate", "membrane", "slow_parts", "time_step"]


@pytest.mark.slow
def test_what_the_specification_says_holds_here_too() -> None:
    files = [str(TESTS / "reference" / f"test_{name}.py") for name in WORKED_OUT_BY_HAND]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "on_native", *files]
    environment = {**os.environ, "PYTHONPATH": str(TESTS / "support")}
    done = subprocess.run(command, cwd=TESTS.parent, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
