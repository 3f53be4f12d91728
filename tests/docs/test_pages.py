"""Every page of the documentation does what it says, and leads where it says."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib as mpl
import pytest
from pages import blocks, run_page

mpl.use("Agg")
ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").glob("*.md"))
COMPARED = {
    "tutorial": 8,
    "write-a-learning-rule": 2,
    "add-a-neuron": 2,
    "add-a-backend": 1,
    "exports": 1,
    "add-an-experiment": 2,
    "short-term-plasticity": 2,
}
"""At least so many blocks of a page are compared with what they print."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_code_of_a_page_runs_and_prints_what_the_page_says(page, tmp_path, monkeypatch) -> None:
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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_the_index_names_every_page_and_example() -> None:
    index = (ROOT / "docs" / "index.md").read_text()
    for path in [*PAGES, *(ROOT / "examples").iterdir()]:
        if path.name not in ("index.md", "__pycache__"):
            assert f"/{path.name})" in index or f"({path.name})" in index, path.name
