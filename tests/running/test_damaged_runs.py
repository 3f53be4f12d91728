"""Folders of runs that are damaged, mixed up or written by someone else: refused, and nothing is touched."""

from __future__ import annotations

import json
import os
import shutil
import signal
from dataclasses import replace

import numpy as np
import pytest
from killed_runs import DURATION_MS, GRAPH, RUN, assert_recorded, in_child, kill, killed_at, network, refused

import ernsnn as ern
from ernsnn.arrays import checksum
from ernsnn.backend import source_spikes, stepping
from ernsnn.hardware_backends.native import engine as native
from ernsnn.loading import sealed, unsealed


@pytest.fixture(scope="module")
def expected():
    """What an uninterrupted run in memory records."""
    return ern.run(GRAPH, **RUN).recording.to_arrays()


@pytest.fixture
def killed(tmp_path):
    """A run that was killed in its fourth interval."""
    return kill(GRAPH, tmp_path / "run")


def flipped(content, bit):
    """The bytes with one bit of them another."""
    return content[: bit // 8] + bytes([content[bit // 8] ^ (1 << bit % 8)]) + content[bit // 8 + 1 :]


def test_no_flipped_bit_of_a_spool_goes_into_the_result(killed, expected):
    with np.load(killed / "checkpoint.npz") as file:
        rows = json.loads(str(file["about"]))["spool"]
    rng, spool = np.random.default_rng(0), [p for p in (killed / "spool").rglob("*") if p.is_file()]
    whole = {path: path.read_bytes() for path in spool if path.stat().st_size}
    assert len(whole) > 8
    for _ in range(149):
        path = spool[0] if not whole else list(whole)[rng.integers(len(whole))]
        row = rows[path.relative_to(killed / "spool").as_posix()]
        kept = row["rows"] * np.dtype(row["dtype"]).itemsize * int(np.prod(row["shape"], dtype=int))
        if kept:
            path.write_bytes(flipped(whole[path], int(rng.integers(8 * kept))))
            refused(killed, f"{path.name}: is damaged .its checksum does not match.")
            path.write_bytes(whole[path])
    assert_recorded(ern.resume(killed), expected)


def test_what_a_disk_did_to_a_spool_is_noticed_at_its_end(tmp_path, monkeypatch):
    original_state = stepping.Engine.state

    def state(engine):
        path = tmp_path / "run" / "spool" / "spikes" / "source" / "steps"
        path.write_bytes(flipped(path.read_bytes(), 77))
        return original_state(engine)

    monkeypatch.setattr(stepping.Engine, "state", state)
    with pytest.raises(ern.InvalidModel, match=r"steps: is damaged \(its checksum does not match\)"):
        ern.run(GRAPH, **RUN, out=tmp_path / "run")


@pytest.mark.parametrize("name", ["recording.npz", "state.npz", "meta.json"])
def test_files_of_two_runs_of_one_graph_cannot_be_mixed(name, tmp_path):
    longer = {**RUN, "weights_at_ms": [0]}
    first, second = ern.run(GRAPH, **RUN, out=tmp_path / "a"), ern.run(GRAPH, **longer, out=tmp_path / "b")
    changed = ern.Result(GRAPH, second.recording).with_weights("plastic", 0.5)
    state = {**changed.recording.state, "modulators/glia/state/C": np.array([7.0])}
    ern.Result(GRAPH, replace(changed.recording, state=state)).save(tmp_path / "c")
    shutil.copy(tmp_path / "c" / name, tmp_path / "a")
    with pytest.raises(ern.InvalidModel, match="checksum does not match"):
        ern.run(GRAPH, duration_ms=1, start=ern.Result.load(tmp_path / "a"))
    assert first.duration_ms == DURATION_MS


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a["spool"].update({"../../x": a["spool"]["spikes/cells/steps"]}), "its spool has '../../x'"),
        (lambda a: a["spool"].pop("spikes/cells/steps"), "its spool lacks arrays"),
        (lambda a: a["spool"]["spikes/cells/steps"].update(rows=-1), "has -1 rows"),
        (lambda a: a["spool"]["spikes/cells/steps"].update(rows=10**15), "its shape is"),
        (lambda a: a["spool"]["spikes/cells/steps"].update(dtype="|O"), "holds numbers of type object"),
        (lambda a: a["spool"]["spikes/cells/steps"].update(dtype="<i4"), "holds numbers of type int32"),
        (lambda a: a["spool"]["spikes/cells/steps"].update(shape=[2]), "its shape is"),
        (lambda a: a["spool"]["spikes/cells/steps"].pop("crc32"), "crc32 is missing"),
        (lambda a: a.update(step=-5), "it is at step -5"),
        (lambda a: a.update(step=900), "it is at step 900"),
        (lambda a: a.update(step="300"), "step: must be a whole number, got '300'"),
        (lambda a: a.update(wall_s=-1.0), "after -1.0 s"),
        (lambda a: a.update(spool=[]), "spool: must be names and values"),
        (lambda a: a.update(run=None), "run: must be names and values"),
    ],
)
def test_a_checkpoint_of_another_form(change, message, killed, tmp_path):
    with np.load(killed / "checkpoint.npz") as file:
        arrays = {name: file[name] for name in file.files}
    about = json.loads(str(arrays["about"]))
    change(about)
    np.savez(killed / "checkpoint.npz", **{**arrays, "about": np.array(json.dumps(about))})
    before = {path: path.read_bytes() for path in killed.rglob("*") if path.is_file()}
    refused(killed, message)
    assert {path: path.read_bytes() for path in killed.rglob("*") if path.is_file()} == before
    assert os.listdir(tmp_path) == ["run"]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("n_steps", -(10**18), "n_steps is -1"),
        ("n_steps", 10**18, "n_steps is 1"),
        ("checkpoint_every", -5, "checkpoint_every is -5"),
        ("checkpoint_every", 1.5, "checkpoint_every: must be a whole number or null, got 1.5"),
        ("first_step", -1, "first_step is -1"),
        ("samples", [5, 3], "samples are not steps"),
        ("samples", [900], "samples are not steps"),
        ("samples", ["a"], "samples"),
        ("options", 3, "options: must be names and values"),
        ("options", {"nosuch": 1}, "no option 'nosuch'"),
        ("backend", "../x", "the backend is '../x'"),
        ("backend", "nosuch", "no backend 'nosuch'"),
        ("backend", None, "backend: must be text"),
        ("about", {"issues": 3}, "about.issues: must be a list"),
        ("about", {"issues": [{}]}, "code is missing"),
        ("about", {"notes": []}, "about.notes: must be names and values"),
        ("run", 3, "run: must be text"),
        ("digest", None, "digest: must be text"),
    ],
)
def test_a_plan_of_another_form(name, value, message, killed):
    (killed / "run.json").write_text(sealed({**unsealed(killed / "run.json"), name: value}))
    with pytest.raises(ern.ErnsnnError, match=message):
        ern.resume(killed)
    plan = unsealed(killed / "run.json")
    (killed / "run.json").write_text(sealed({key: plan[key] for key in plan if key != name}))
    if name not in ("first_step", "run"):
        refused(killed, f"{name} is missing")


NOWHERE = {
    "log/past/cells": lambda a: a + 10**9,
    "log/ages/cells": lambda a: a + 10**9,
    "plastic/0/rows/0/log/0": lambda a: np.where(np.arange(len(a)) > 1, 10**9, a),
    "plastic/0/rows/0/log/1": lambda a: a + np.uint32(2**31),
    "plastic/0/rows/0/log/4": lambda a: a + 10**8,
    "plastic/0/rows/0/log/5": lambda a: a + 10**8,
    "plastic/0/rows/0/log/6": lambda a: a * 0,
    "plastic/0/rows/0/x_since": lambda a: a - 10**8,
    "plastic/0/rows/0/now": lambda a: a + 10**8,
}
"""What of native's state leads machine code to other places, with a right checksum."""


@pytest.fixture(scope="module")
def on_native(tmp_path_factory):
    def work():
        with pytest.MonkeyPatch.context() as patch, killed_at(195, source_spikes.SourceSpikes, "between", True):
            patch.setattr(native, "LONGEST_CALL", 1)
            ern.run(other, duration_ms=300, backend="native", out=folder, checkpoint_every_ms=85)

    folder, other = tmp_path_factory.mktemp("native") / "run", ern.lower(network(rate_hz=300.0), 3)
    assert in_child(work) == -signal.SIGKILL
    return folder


@pytest.mark.parametrize("name", NOWHERE)
def test_no_state_leads_machine_code_astray(name, on_native, tmp_path):
    shutil.copytree(on_native, tmp_path / "run")
    path = tmp_path / "run" / "checkpoint.npz"
    with np.load(path) as file:
        arrays = {key: file[key] for key in file.files}
    about = json.loads(str(arrays.pop("about")))
    arrays[name] = NOWHERE[name](arrays[name]).astype(arrays[name].dtype)
    about["state"] = checksum(arrays)
    np.savez(path, about=np.array(json.dumps(about)), **arrays)
    message = "has spikes of no neurons|has a log that no spikes leave"
    assert in_child(lambda: refused(tmp_path / "run", message)) == 0


def test_native_goes_on_from_a_state_that_is_possible(on_native, tmp_path):
    shutil.copytree(on_native, tmp_path / "run")
    assert in_child(lambda: ern.resume(tmp_path / "run")) == 0
    whole = ern.run(ern.lower(network(rate_hz=300.0), 3), duration_ms=300, backend="native")
    assert_recorded(ern.Result.load(tmp_path / "run"), whole.recording.to_arrays())


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("schema", 99, "run schema 99; this ernsnn reads schema 1"),
        ("ernsnn", "0.0.1", "begun by ernsnn 0.0.1; ernsnn .* resume it with that version"),
        ("digest", "0", "run.json belongs to another graph"),
        ("backend", "brian2", "backend 'brian2' is not run step by step"),
        ("new", 1, "run.json is damaged"),
    ],
)
def test_another_version_or_graph(name, value, message, killed):
    plan = unsealed(killed / "run.json")
    (killed / "run.json").write_text(sealed({**plan, name: value}))
    refused(killed, message)


def test_a_checkpoint_of_another_run(killed, tmp_path):
    other = ern.lower(network(rate_hz=29.0), 3)

    kill(other, tmp_path / "other")
    shutil.copy(tmp_path / "other" / "checkpoint.npz", killed)
    refused(killed, "belongs to another run: its digest is")
    shutil.copytree(killed, tmp_path / "twin")
    shutil.rmtree(tmp_path / "other")
    kill(other, tmp_path / "other")
    shutil.copy(tmp_path / "other" / "run.json", tmp_path / "twin")
    shutil.copy(tmp_path / "other" / "graph.npz", tmp_path / "twin")
    shutil.copy(tmp_path / "other" / "graph.json", tmp_path / "twin")
    refused(tmp_path / "twin", "belongs to another run: its run is")
    about = {"schema": 7, "run": {}, "step": 1, "spool": {}, "wall_s": 0}
    np.savez(killed / "checkpoint.npz", about=np.array(json.dumps(about)))
    refused(killed, "checkpoint schema 7; this ernsnn reads schema 3")
