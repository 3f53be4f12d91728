"""What is installed is what is on disk, floors import downwards only, and no tracked file tells of one machine."""

import ast
import configparser
import importlib.metadata
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = {
    "ernsnn": ROOT / "ernsnn",
    "ernsnn.models": ROOT / "models",
    "ernsnn.hardware_backends": ROOT / "hardware_backends",
    "ernsnn.benchmarks": ROOT / "benchmarks",
}

# From the ground up: each may import those before it. Who stands nowhere here (ernsnn/__init__.py, the command line)
# may import the whole core. "ernsnn" is the flat public namespace, which itself imports every floor.
FLOORS = ["starting", "errors", "files", "loading", "arrays", "describe", "issues", "graph", "recording", "analyse"]
FLOORS += ["result", "execution", "report"]
MAY_IMPORT = {floor: set(FLOORS[:level]) for level, floor in enumerate(FLOORS)} | {
    "hardware_backends": set(FLOORS) - {"analyse", "result", "report"},
    "models": {"ernsnn", *FLOORS},
    "benchmarks": {"ernsnn", "models", "hardware_backends", *FLOORS},
    "cli": {"ernsnn", "benchmarks", *FLOORS},
    "pynn": set(FLOORS),
    "__main__": {"cli"},
}


def modules() -> Iterator[tuple[str, Path]]:
    """(dotted name, file) of every module as it is installed."""
    for package, folder in FOLDERS.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            yield ".".join([package, *parts]).removesuffix(".__init__"), path


def floor_of(module: str) -> str:
    """``describe`` of ``ernsnn.describe.units``; ``ernsnn`` of ``ernsnn`` itself."""
    return module.split(".")[1] if "." in module else module


def imported(source: str, module: str, is_package: bool) -> set[str]:
    """The modules of ernsnn that ``source``, the text of ``module``, imports anywhere, by their absolute names."""
    found = set()
    floors = {floor_of(name) for name, _ in modules()}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: is_package - node.level or None] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            # `from ernsnn import graph` means the floor, `from ernsnn import Network` the flat namespace.
            found |= {f"ernsnn.{a.name}" if base == "ernsnn" and a.name in floors else base for a in node.names}
    return {name for name in found if name.split(".")[0] == "ernsnn"}


def tracked_files() -> list[Path]:
    """What git tracks, or would after `git add`."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("not a git repository")
    return [ROOT / name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_setup_cfg_lists_the_packages_on_disk() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    on_disk = {name if path.name == "__init__.py" else name.rpartition(".")[0] for name, path in modules()}
    without_init = {p for _, path in modules() if not (p := path.parent / "__init__.py").exists()}
    assert not without_init
    assert sorted(setup["options"]["packages"].split()) == sorted(on_disk)


@pytest.mark.parametrize("group", ["console_scripts", "ernsnn.backends", "ernsnn.models"])
def test_entry_points_load(group: str) -> None:
    ours = [e for e in importlib.metadata.entry_points(group=group) if e.value.startswith("ernsnn.")]
    assert ours
    for entry in ours:
        # A model is a module with build(), the others are called themselves.
        target = entry.load()
        assert callable(target.build if group == "ernsnn.models" else target), entry


def test_importing_ernsnn_is_light() -> None:
    others = {"sympy", "brian2", "jinja2", "lava", "matplotlib", "nest", "neo", "numba", "scipy", "xarray"}
    heavy = {"ernsnn.report", *others}
    code = f"import sys, ernsnn; print(*sorted({heavy} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"


@pytest.mark.parametrize("folder", ["models", "hardware_backends", "benchmarks"])
def test_mapped_folders_refuse_to_be_a_second_copy(folder: str) -> None:
    run = subprocess.run([sys.executable, "-c", f"import {folder}"], cwd=ROOT, capture_output=True, text=True)
    assert f"ImportError: this folder is the package ernsnn.{folder}" in run.stderr


@pytest.mark.parametrize(("module", "path"), list(modules()))
def test_no_floor_imports_an_upper_one(module: str, path: Path) -> None:
    here = floor_of(module)
    allowed = {here} | MAY_IMPORT.get(here, {"ernsnn", *FLOORS})
    upper = {n for n in imported(path.read_text(), module, path.name == "__init__.py") if floor_of(n) not in allowed}
    assert not upper, f"{module} imports {', '.join(sorted(upper))}"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("import ernsnn", {"ernsnn"}),
        ("import numpy, ernsnn.graph.seeds as s", {"ernsnn.graph.seeds"}),
        ("from ernsnn import graph, Network", {"ernsnn.graph", "ernsnn"}),
        ("from ernsnn.graph import lower", {"ernsnn.graph"}),
        ("from . import units", {"ernsnn.describe"}),
        ("from .. import graph", {"ernsnn.graph"}),
        ("from ..graph.seeds import a", {"ernsnn.graph.seeds"}),
        ("def f():\n    from ernsnn.models import x", {"ernsnn.models"}),
        ("from numpy import graph", set()),
    ],
)
def test_the_import_reader_sees_every_form(line: str, expected: set[str]) -> None:
    assert imported(line, "ernsnn.describe.neurons", is_package=False) == expected
    assert imported(line, "ernsnn.describe", is_package=True) == expected


def test_files_stay_short() -> None:
    lengths = {p: len(p.read_bytes().splitlines()) for p in tracked_files() if p.suffix == ".py"}
    assert {str(p.relative_to(ROOT)): n for p, n in lengths.items() if n > 450} == {}


def test_no_file_names_a_machine_or_a_registry() -> None:
    machine = r"(^|[^\w.])/(work|root|farm|home|Users|tmp/w)/"
    registry = r"://[a-z.-]*(pyp|python|npm|debian)[a-z.-]*/(simple|packages|debian|pypi)"
    pattern = re.compile(f"{machine}|{registry}".encode(), re.MULTILINE)
    found = {str(p.relative_to(ROOT)): m[0] for p in tracked_files() if (m := pattern.search(p.read_bytes()))}
    assert found == {}


@pytest.mark.slow
def test_wheel_holds_every_file(tmp_path: Path) -> None:
    source = tmp_path / "source"
    # A copy, since a stale build/ would ship modules that are gone.
    for folder in FOLDERS.values():
        shutil.copytree(folder, source / folder.name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "LICENSE", "README.md"):
        shutil.copy(ROOT / name, source)
    expected = {
        "/".join([*package.split("."), *path.relative_to(source / folder.name).parts])
        for package, folder in FOLDERS.items()
        for path in (source / folder.name).rglob("*")
        if path.is_file()
    }
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    subprocess.run([*pip, str(tmp_path), str(source)], check=True)
    [wheel] = tmp_path.glob("*.whl")
    contents = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert contents == expected
