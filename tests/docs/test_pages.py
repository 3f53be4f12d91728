"""Every page of the documentation does what it says, and leads where it says."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib as mpl
import pytest
from pages import blocks, run_page

mpl.use("Agg")
ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
COMPARED = {
    "tutorial": 8,
    "write-a-learning-rule": 2,
    "add-a-neuron": 5,
    "add-a-backend": 2,
    "exports": 1,
    "phases": 1,
    "trials": 1,
    "coming-from-pynn": 2,
    "time-step": 3,
    "add-an-experiment": 2,
    "short-term-plasticity": 2,
    "torch": 2,
    "fit": 3,
}
"""At least so many blocks of a page are compared with what they print."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_code_of_a_page_runs_and_prints_what_the_page_says(page, tmp_path, monkeypatch) -> None:
    if page.stem in ("torch", "fit"):
        pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    assert run_page(page) >= COMPARED.get(page.stem, 0)


@pytest.mark.slow
def test_the_code_of_the_readme_runs(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_page(ROOT / "README.md")


def test_a_whole_experiment_is_short() -> None:
    page = (ROOT / "docs" / "add-an-experiment.md").read_text()
    [whole] = [block.text for block in blocks(page) if block.text.startswith("# gain.py\n")]
    assert "EXPERIMENT = ern.Experiment(" in whole
    assert len(whole.splitlines()) <= 35


@pytest.mark.parametrize("page", [*PAGES, *ROOT.glob("*.md")], ids=lambda page: page.stem)
def test_links_lead_somewhere(page) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), target


@pytest.mark.parametrize("page", [*PAGES, *ROOT.glob("*.md")], ids=lambda page: page.stem)
def test_files_that_are_named_are_there(page) -> None:
    """``ernsnn/graph/lower.py``, or ``graph/lower.py`` within the package."""
    folders = [ROOT, ROOT / "ernsnn"]
    for name in re.findall(r"`([a-z_]+/[\w/.-]*\.(?:py|toml|md|svg))`", page.read_text()):
        own = name.split("/")[0] in ("runs", "mypackage")
        assert own or any((folder / name).exists() for folder in folders), name


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().split()) < 1_500


def test_the_architecture_has_every_floor_in_its_order() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    table = page.split("| floor, from the ground up |")[1].split("\n\n")[0]
    named = [name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1] if row else "")]
    tested = re.findall(r"FLOORS \+?= (\[.*\])", (ROOT / "tests" / "packaging" / "test_floors.py").read_text())
    assert named[:-2] == [floor for part in tested for floor in re.findall(r'"(\w+)"', part)]
    assert named[-2:] == ["pynn", "cli"]


def test_the_index_names_every_page_and_example() -> None:
    index = (ROOT / "docs" / "index.md").read_text()
    for path in [*PAGES, *(ROOT / "examples").iterdir()]:
        if path.name not in ("index.md", "__pycache__"):
            assert f"/{path.name})" in index or f"({path.name})" in index, path.name
