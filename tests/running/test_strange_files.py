"""Something else in the place of a file: a folder, a pipe, a socket, a link that leads nowhere, what may not be read.

Whatever is done with such a folder ends in an error of ours or in a right result, and nothing of a user's is lost.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import traceback
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from interrupts import ctrl_c_in_step
from killed_runs import in_child, network

import ernsnn as ern
from ernsnn.report import write_report

GRAPH = ern.lower(network(), 3)
RUN = {"duration_ms": 30, "backend": "reference"}
NOBODY = 65534


def _socket(path):
    here = os.getcwd()
    os.chdir(path.parent)  # the name of a socket must be short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def _folder(path):
    path.mkdir()
    (path / "thesis.txt").write_text("mine")


def _unreadable(path):
    path.write_text("mine")
    path.chmod(0)


KINDS = {
    "folder": _folder,
    "empty folder": lambda path: path.mkdir(),
    "pipe": os.mkfifo,
    "socket": _socket,
    "dangling link": lambda path: path.symlink_to("nowhere"),
    "link to itself": lambda path: path.symlink_to(path.name),
    "unreadable file": _unreadable,
    "unreadable folder": lambda path: (_folder(path), path.chmod(0)),
    "text": lambda path: path.write_text("mine"),
}
USES = {
    "resume": ern.resume,
    "run": lambda folder: ern.run(GRAPH, **RUN, out=folder),
    "save": lambda folder: ern.run(GRAPH, duration_ms=3, backend="reference").save(folder),
    "start": lambda folder: ern.run(ern.load_graph(folder), duration_ms=3, start=folder),
    "report": write_report,
    "export": lambda folder: ern.Result.load(folder).export(folder / "spikes.csv"),
    "graph": lambda folder: ern.save_graph(ern.load_graph(folder), folder),
    "compile": lambda folder: ern.compile(GRAPH, "brian2", duration_ms=3, out=folder),
}
FILES = [
    *(".ernsnn", "run.json", "graph.json", "graph.npz", "meta.json", "recording.npz", "state.npz", "checkpoint.npz"),
    *("report.html", "summary.json", "spool", "spool/spikes", "spool/spikes/cells/steps", "spool/thesis"),
    *(".checkpoint.npz.x", ".checkpoint.npz.abcdefgh", ".meta.json.abcdefgh"),
]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    ern.run(GRAPH, **RUN, out=folder / "finished")
    with pytest.MonkeyPatch.context() as patch, ctrl_c_in_step(patch, 15), pytest.raises(ern.Interrupted):
        ern.run(GRAPH, **RUN, out=folder / "interrupted", checkpoint_every_ms=10)
    shutil.copytree(folder / "interrupted", folder / "killed")
    for name in ("meta.json", "recording.npz", "state.npz"):
        (folder / "killed" / name).unlink()
    shutil.copytree(folder / "killed", folder / "killed early")
    (folder / "killed early" / "checkpoint.npz").unlink()
    for use in USES.values():  # what is imported then, is from now on
        shutil.copytree(folder / "finished", folder / "warm", dirs_exist_ok=True)
        with suppress(ern.InvalidModel):
            use(folder / "warm")
    return folder


def put(kind, path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    KINDS[kind](path)


def mine(folder):
    """Whatever a user has put there is still there, or in what the run was moved to."""
    return sorted(path for path in folder.rglob("thesis.txt"))


def _for_nobody(folder):
    """Let someone have it who may not read everything, as root may."""
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)


CASES = [(name, kind) for name in FILES for kind in KINDS]
STATES = ["finished", "interrupted", "killed", "killed early"]


@pytest.mark.parametrize("use", USES)
def test_something_else_in_the_place_of_a_file(use, runs, scratch):
    rng = np.random.default_rng(len(use))
    cases = [(state, *case) for state in STATES for case in CASES]
    try_cases(use, [cases[k] for k in rng.choice(len(cases), 25, replace=False)], runs, scratch)


@pytest.mark.slow
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("state", STATES)
def test_all_that_can_be_in_the_place_of_a_file(state, use, runs, scratch):
    try_cases(use, [(state, *case) for case in CASES], runs, scratch)


@pytest.fixture
def scratch():
    """A folder that anyone may enter, as pytest's own is not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "scratch"


def try_cases(use, cases, runs, scratch):
    """Each in a process of its own, which may not read everything."""

    def work():
        if os.geteuid() == 0:
            os.seteuid(NOBODY)
        try:
            USES[use](folder)
        except ern.ErnsnnError as error:
            words = str(error)
            assert "Error:" not in words or "JSONDecodeError" in words, words
        except Exception:
            traceback.print_exc()
            raise

    failed = []
    for state, name, kind in cases:
        scratch.mkdir()
        scratch.chmod(0o777)
        folder = scratch / "run"
        shutil.copytree(runs / state, folder)
        put(kind, folder / name)
        _for_nobody(folder)
        before = mine(folder)
        code = in_child(work)
        if code or mine(folder) != before or os.listdir(scratch) != ["run"]:
            failed.append((state, name, kind, code, os.listdir(scratch)))
        for path in scratch.rglob("*"):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o700)
        shutil.rmtree(scratch)
    assert not failed


@pytest.mark.parametrize("kind", ["folder", "empty folder", "pipe", "socket"])
@pytest.mark.parametrize("name", ["meta.json", "recording.npz", "state.npz", "spool/spikes/cells/steps", "spool"])
def test_a_run_is_not_gone_on_with_over_what_is_no_file(name, kind, runs, tmp_path):
    """It is refused before anything is changed, and goes on when that is gone."""
    folder = tmp_path / "run"
    shutil.copytree(runs / "interrupted", folder)
    shutil.copytree(runs / "interrupted", tmp_path / "whole")
    put(kind, folder / name)
    if name == "spool" and kind in ("folder", "empty folder"):
        return
    before = {path: path.lstat().st_mtime_ns for path in folder.rglob("*")}
    with pytest.raises(ern.InvalidModel, match=r"is no (file|folder) that a run wrote; move it elsewhere"):
        ern.resume(folder)
    assert {path: path.lstat().st_mtime_ns for path in folder.rglob("*")} == before
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "whole", folder)
    assert ern.resume(folder).duration_ms == RUN["duration_ms"]
