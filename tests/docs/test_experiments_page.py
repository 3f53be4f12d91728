"""The page of experiments is what they say of themselves."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from ernsnn.studies.experiment import experiment_names

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("experiments_page", ROOT / "docs" / "experiments.py")
experiments_page = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(experiments_page)


def test_the_page_is_up_to_date() -> None:
    assert experiments_page.PAGE.read_text(encoding="utf-8") == experiments_page.page(), (
        "run: python docs/experiments.py"
    )


def test_it_lists_every_experiment() -> None:
    text = experiments_page.page()
    assert all(f"| `{name}` | " in text for name in experiment_names())
