"""Writes docs/experiments.md from what experiments say of themselves, and from the committed results."""

from __future__ import annotations

from pathlib import Path

from ernsnn.cli.systems import systems_table
from ernsnn.studies.experiment import QUICK, experiment_names, get_experiment
from ernsnn.text import markdown

PAGE = Path(__file__).with_name("experiments.md")
HEADS = ("experiment", "what it shows or asks", "source", "settings")
INTRO = """# Experiments

Each runs over several seeds, prints a table with means and 95 % intervals, and writes a report and its results as JSON:
`ernsnn experiment NAME --seeds 5`, with `--setting full` in another size. Written by `python docs/experiments.py`.
"""
PUBLISHED = """
## Published systems

What others published, and what this package has of it, as `ernsnn experiment NAME --seeds 5` found with each of the
settings (`ernsnn/data/results` holds all of it; `ernsnn experiment --table` prints this table).
"""


def page() -> str:
    """The text of the page."""
    known = [get_experiment(name) for name in experiment_names()]
    rows = [(f"`{each.name}`", each.title, each.source, ", ".join([QUICK, *each.settings])) for each in known]
    return f"{INTRO}\n{markdown(HEADS, rows)}\n{PUBLISHED}\n{systems_table()}\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
