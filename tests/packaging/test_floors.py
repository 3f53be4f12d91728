"""No two files import each other, by whatever way round, and none imports a file of a higher floor."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from imports import FOLDERS, arrows, circle, imported, modules

# From the ground up: each may import those before it. Who stands nowhere here (ernsnn/__init__.py) may import the whole
# core. "ernsnn" is the flat public namespace, which itself imports every floor.
FLOORS = ["starting", "errors", "text", "files", "loading", "arrays", "describe", "issues", "graph", "recording"]
FLOORS += ["backend", "running", "analyse", "result", "learn", "interchange", "studies", "report"]
MAY_IMPORT = {floor: set(FLOORS[:level]) for level, floor in enumerate(FLOORS)} | {
    "hardware_backends": set(FLOORS[: FLOORS.index("backend") + 1]),
    "models": {"ernsnn", *FLOORS},
    "benchmarks": {"ernsnn", "models", "hardware_backends", *FLOORS},
    "cli": {"ernsnn", "benchmarks", *FLOORS},
    "pynn": set(FLOORS) - {"report"},
    "__main__": {"cli"},
}


def floor_of(module: str) -> str:
    """``describe`` of ``ernsnn.describe.units``; ``ernsnn`` of ``ernsnn`` itself."""
    return module.split(".")[1] if "." in module else module


def upward(folders: Mapping[str, Path]) -> Iterator[str]:
    """One line for every import of a higher floor."""
    for module, others in arrows(folders).items():
        here = floor_of(module)
        allowed = {here} | MAY_IMPORT.get(here, {"ernsnn", *FLOORS})
        yield from (f"{module} imports {other}" for other in sorted(others) if floor_of(other) not in allowed)


def tree(folder: Path, files: Mapping[str, str]) -> dict[str, Path]:
    """A package ``ernsnn`` of these files."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(text)
    return {"ernsnn": folder}


def test_no_file_imports_itself_by_way_of_others() -> None:
    assert circle(arrows()) == []


def test_no_file_imports_one_of_a_higher_floor() -> None:
    assert list(upward(FOLDERS)) == []


def test_every_floor_is_there() -> None:
    """A floor that was renamed would hold nobody to anything."""
    assert {*FLOORS, *MAY_IMPORT} - {floor_of(module) for module in modules()} == set()


@pytest.mark.parametrize(
    "one",
    [
        "import ernsnn.graph.b",
        "from . import b",
        "from .b import thing",
        "from ernsnn.graph import b",
        "def f():\n    from ernsnn.graph.b import thing",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .b import Thing",
    ],
)
def test_a_circle_is_found(one: str, tmp_path: Path) -> None:
    files = {"graph/a.py": one, "graph/b.py": "from ernsnn.graph.c import x", "graph/c.py": "from .a import x"}
    assert set(circle(arrows(tree(tmp_path, files)))) == {f"ernsnn.graph.{name}" for name in "abc"}
    files["graph/c.py"] = "from ernsnn.describe.units import x"
    assert circle(arrows(tree(tmp_path, files))) == []


@pytest.mark.parametrize(
    "line",
    [
        "import ernsnn.running.simulate",
        "from ernsnn.running import simulate",
        "from ..running import simulate",
        "def f():\n    from ernsnn.running.simulate import run",
    ],
)
def test_an_import_upwards_is_found(line: str, tmp_path: Path) -> None:
    files = {"graph/a.py": line, "running/simulate.py": "from ernsnn.graph.b import x", "graph/b.py": ""}
    assert list(upward(tree(tmp_path, files))) == ["ernsnn.graph.a imports ernsnn.running.simulate"]
    files["graph/a.py"] = "from .b import x"
    assert list(upward(tree(tmp_path, files))) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("import ernsnn", {("ernsnn", "")}),
        ("import numpy, ernsnn.graph.seeds as s", {("ernsnn.graph.seeds", "")}),
        ("from ernsnn import graph, Network", {("ernsnn", "graph"), ("ernsnn", "Network")}),
        ("from ernsnn.graph import lower", {("ernsnn.graph", "lower")}),
        ("from . import units", {("ernsnn.describe", "units")}),
        ("from .. import graph", {("ernsnn", "graph")}),
        ("from ..graph.seeds import a", {("ernsnn.graph.seeds", "a")}),
        ("def f():\n    from ernsnn.models import x", {("ernsnn.models", "x")}),
        ("from numpy import graph", set()),
    ],
)
def test_the_import_reader_sees_every_form(line: str, expected: set[tuple[str, str]]) -> None:
    assert set(imported(line, "ernsnn.describe.neurons", is_package=False)) == expected
    assert set(imported(line, "ernsnn.describe", is_package=True)) == expected
