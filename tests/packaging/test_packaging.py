"""What is installed is what is on disk, and no tracked file tells of one machine."""

import configparser
import importlib.metadata
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from imports import FOLDERS, ROOT, modules


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
    on_disk = {name if path.name == "__init__.py" else name.rpartition(".")[0] for name, path in modules().items()}
    without_init = {p for path in modules().values() if not (p := path.parent / "__init__.py").exists()}
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


def test_every_experiment_is_an_entry_point() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    listed = [line.strip() for line in setup["options.entry_points"]["ernsnn.experiments"].splitlines() if line.strip()]
    files = sorted((ROOT / "models" / "experiments").glob("*.py"))
    names = [path.stem for path in files if "EXPERIMENT = Experiment(" in path.read_text()]
    assert listed == [f"{name} = ernsnn.models.experiments.{name}:EXPERIMENT" for name in names]
    assert len(names) >= 15


def test_importing_ernsnn_is_light() -> None:
    others = {"sympy", "brian2", "jinja2", "lava", "matplotlib", "nest", "neo", "numba", "scipy", "torch", "xarray"}
    heavy = {"ernsnn.report", *others}
    code = f"import sys, ernsnn; print(*sorted({heavy} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"


@pytest.mark.parametrize("folder", ["models", "hardware_backends", "benchmarks"])
def test_mapped_folders_refuse_to_be_a_second_copy(folder: str) -> None:
    run = subprocess.run([sys.executable, "-c", f"import {folder}"], cwd=ROOT, capture_output=True, text=True)
    assert f"ImportError: this folder is the package ernsnn.{folder}" in run.stderr


def test_files_stay_short() -> None:
    lengths = {p: len(p.read_bytes().splitlines()) for p in tracked_files() if p.suffix == ".py"}
    names = {str(p.relative_to(ROOT)): n for p, n in lengths.items()}
    assert {name: n for name, n in names.items() if n > (450 if name.startswith("tests/") else 400)} == {}


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
