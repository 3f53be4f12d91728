"""The table of published systems: published results beside the committed results of this package.

``ernsnn/data/results`` holds the ``results.json`` of experiments as the command ``experiment`` wrote them, with quick
settings as NAME.json, with others as NAME-SETTING.json. The columns are ``published`` and ``measured`` of these
experiments.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any, TypedDict

from ernsnn.loading import Unfit, fit, read_json, reading
from ernsnn.studies.experiment import QUICK, get_experiment
from ernsnn.text import markdown

HEADS = ("system", "source", "published", "measured here", "seeds")


class _Results(TypedDict):
    experiment: str
    setting: str
    seeds: list[int]
    results: dict[str, Any]


def committed() -> dict[str, dict[str, Any]]:
    """Arguments of ``ernsnn experiment`` -> the ``results.json`` that it wrote."""
    results = map(_read, (Path(str(files("ernsnn"))) / "data" / "results").glob("*.json"))
    ordered = sorted(results, key=lambda data: (data["experiment"], data["setting"] != QUICK, data["setting"]))
    return {_called(data): data for data in ordered}


def _read(path: Path) -> dict[str, Any]:
    with reading(f"{path}:"):
        data = read_json(path)
        fit(data, _Results, path.name)
        return dict(data)


def _called(data: dict[str, Any]) -> str:
    return str(data["experiment"]) + ("" if data["setting"] == QUICK else f" --setting {data['setting']}")


def systems() -> list[tuple[str, str, str, str, str]]:
    """A row for each committed result, under HEADS."""
    rows = []
    for name, data in committed().items():
        of = get_experiment(data["experiment"])
        with reading(f"what was measured of {name}"):
            if of.measured is None:
                raise Unfit(f"{of.name} does not say what it measures")
            rows.append((name, of.source, of.published, of.measured(data["results"]), str(len(data["seeds"]))))
    return rows


def systems_table() -> str:
    """The rows as Markdown."""
    return markdown(HEADS, [(f"`{name}`", *rest) for name, *rest in systems()])
