"""Every example runs as it stands, in an empty folder; the notebook without Jupyter."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import matplotlib as mpl
import pytest

mpl.use("Agg")
EXAMPLES = Path(__file__).parents[2] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.py"))
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_runs_and_prints(script, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [str(script)])
    runpy.run_path(str(script), run_name="__main__")
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_stores_no_output(notebook, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    held = json.loads(notebook.read_text(encoding="utf-8"))
    assert held["nbformat"] == 4
    cells = [cell for cell in held["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)
    names: dict[str, object] = {}
    for cell in cells:
        exec("".join(cell["source"]), names)


def test_there_are_examples() -> None:
    assert len(SCRIPTS) >= 5
    assert len(NOTEBOOKS) == 1
