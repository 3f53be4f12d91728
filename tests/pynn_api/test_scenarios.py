"""PyNN's own system tests, run against ernsnn.pynn: docs/pynn-scenarios.md says which pass, and why others do not.

They are in PyNN's source distribution, which is no part of this project: unpack it, and set ERNSNN_PYNN_SOURCE to its
folder (pip download PyNN==0.13.0 --no-binary :all: --no-deps).
"""

from __future__ import annotations

import importlib
import inspect
import os
import re
import sys
import types
from pathlib import Path

import pytest

sim = pytest.importorskip("ernsnn.pynn")
TABLE = Path(__file__).parents[2] / "docs" / "pynn-scenarios.md"
SOURCE = Path(os.environ.get("ERNSNN_PYNN_SOURCE", "nowhere")) / "test" / "system" / "scenarios"

pytestmark = [
    pytest.mark.skipif(not SOURCE.is_dir(), reason="ERNSNN_PYNN_SOURCE is not the source distribution of PyNN"),
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.slow,
]


def table():
    """Scenario -> its result."""
    rows = [line.strip("|").split("|") for line in TABLE.read_text().splitlines() if line.startswith("| test_")]
    return {name.strip(): said.strip() for name, said in rows}


def scenarios():
    """Name -> function of every scenario, as `file::function`."""
    package = types.ModuleType("pynn_scenarios")
    package.__path__ = [str(SOURCE)]
    fixtures = types.ModuleType("pynn_scenarios.fixtures")
    fixtures.run_with_simulators = lambda *names: lambda function: function
    sys.modules |= {"pynn_scenarios": package, "pynn_scenarios.fixtures": fixtures}
    found = {}
    for path in sorted(SOURCE.glob("test_*.py")):
        module = importlib.import_module(f"pynn_scenarios.{path.stem}")
        for name, thing in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("test_") and thing.__module__ == module.__name__:
                found[f"{path.stem}::{name}"] = thing
    return found


def outcome(scenario, module):
    """What came of it: "passes", or what was raised."""
    try:
        scenario(module)
    except (Exception, pytest.skip.Exception) as error:
        return f"{type(error).__name__}: {error}"
    return "passes"


def disagreement(name, said, found):
    """Why the table is wrong about a scenario; None if it is right. Names in backticks must be in the message."""
    if (said == "passes") != (found == "passes"):
        return f"{name}: the table says {said!r}, it is: {found}"
    missing = [word for word in re.findall(r"`([^`]+)`", said) if word not in found]
    return f"{name}: the table names {missing}, the message is: {found}" if missing else None


def test_the_table_says_what_passes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said, found = table(), scenarios()
    assert said.keys() == found.keys()
    wrong = []
    for name, scenario in found.items():
        wrong.append(disagreement(name, said[name], outcome(scenario, sim)))
    assert [w for w in wrong if w] == []
    assert sum(each == "passes" for each in said.values()) >= 63
