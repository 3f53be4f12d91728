"""A result is written over an old one: whenever the process ends, and if the disk is full, one of them is whole."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from interrupts import ctrl_c_in_step
from killed_runs import in_child, killed_at

import ernsnn as ern
from ernsnn import files
from ernsnn.backend.source_spikes import SourceSpikes
from ernsnn.files import write_folder
from ernsnn.loading import unsealed
from ernsnn.running import folder as run_folder

MOMENTS = 25
"""How many for each way of writing."""


def network(rate_hz):
    net = ern.Network(name="replaced")
    source, cells = net.population("source", 4, ern.Poisson(rate_hz)), net.population("cells", 3, ern.LIF())
    rule = ern.stdp.pair(A_plus=0.02, A_minus=0.01, w_max=2.0)
    net.projection("plastic", source, cells, weight_nA=ern.Uniform(0.5, 1.5), learning=rule)
    return ern.lower(net, 1)


def run(rate_hz, **options):
    return ern.run(network(rate_hz), duration_ms=12, backend="reference", **options)


OLD, NEW = run(200.0), run(300.0)


def told(result):
    """All that a saved result says, but for when it was made."""
    arrays = result.recording.to_arrays() | {f"state/{k}": v for k, v in result.recording.state.items()}
    return result.graph.digest, {key: (array.dtype, array.tobytes()) for key, array in arrays.items()}


EXPECTED = {"old": told(OLD), "new": told(NEW)}

WAYS = {
    "saved": lambda folder: NEW.save(folder),
    "recorded as it runs": lambda folder: run(300.0, out=folder, checkpoint_every_ms=4),
}


def until_line(last, action):
    """Run ``action`` in a forked process that is killed when it has executed ``last`` lines; how many it did."""
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        count = [0]

        def trace(frame, event, argument):
            count[0] += event == "line"
            if count[0] == last:
                os.kill(os.getpid(), signal.SIGKILL)
            return trace

        try:
            sys.settrace(trace)
            action()
            sys.settrace(None)
            os.write(send, str(count[0]).encode())
        finally:
            os._exit(0)
    os.close(send)
    with os.fdopen(receive) as told_by_it:
        said = told_by_it.read()
    killed = os.WIFSIGNALED(os.waitpid(child, 0)[1])
    return None if killed else int(said)


@pytest.mark.parametrize("way", WAYS)
def test_killed_while_it_writes_over_an_old_result(way, tmp_path):
    """At 25 random moments, each between two lines of Python; what is left can be gone on from, and is tidied."""
    folder, write = tmp_path / "run", WAYS[way]
    OLD.save(folder)
    write(folder)  # the first time, some lines more are run
    OLD.save(folder)
    total = until_line(-1, lambda: write(folder))
    assert told(ern.Result.load(folder)) == EXPECTED["new"]
    found, killed = [], 0
    for moment in np.random.default_rng(0).integers(1, total, MOMENTS).tolist():
        shutil.rmtree(tmp_path)
        tmp_path.mkdir()
        OLD.save(folder)
        killed += until_line(moment, lambda: write(folder)) is None
        result = told(ern.Result.load(folder))
        found.append(next((name for name, expected in EXPECTED.items() if result == expected), "a mixture"))
        if (tmp_path / ".run.unfinished" / "run.json").exists():
            ern.resume(folder)
        else:
            NEW.save(folder)
        assert told(ern.Result.load(folder)) == EXPECTED["new"]
        if os.listdir(tmp_path) != ["run"]:  # killed as the two were exchanged: the old one goes with the next run
            WAYS["recorded as it runs"](folder)
            assert told(ern.Result.load(folder)) == EXPECTED["new"]
        assert os.listdir(tmp_path) == ["run"]
    assert killed > 0.9 * MOMENTS
    assert set(found) <= {"old", "new"}
    assert found.count("old") > MOMENTS // 2  # nearly all of the work is done before the new one takes its place


def test_an_unfinished_run_beside_its_predecessor(tmp_path):
    """It is found under the name of the folder that it will replace, and guarded."""
    folder = tmp_path / "run"
    OLD.save(folder)
    total = until_line(-1, lambda: WAYS["recorded as it runs"](tmp_path / "other"))
    assert until_line(int(0.9 * total), lambda: WAYS["recorded as it runs"](folder)) is None
    assert (tmp_path / ".run.unfinished" / "checkpoint.npz").exists()
    with pytest.raises(ern.InvalidModel, match=r"\.run\.unfinished holds a run that has not finished: `ernsnn resume "):
        run(300.0, out=folder)
    assert told(ern.Result.load(folder)) == EXPECTED["old"]
    assert told(ern.resume(folder)) == EXPECTED["new"]
    assert told(ern.Result.load(folder)) == EXPECTED["new"]
    with pytest.raises(ern.InvalidModel, match="this run has finished"):
        ern.resume(folder)


def killed(owner, name, before, folder):
    """A run into ``folder`` that is killed before or after its first call of ``owner.name``."""

    def work():
        with killed_at(1, owner, name, before):
            run(300.0, out=folder)

    assert in_child(work) == -signal.SIGKILL


@pytest.mark.parametrize("clock", [1, 2**60], ids=["set back", "set forward"])
def test_which_result_is_newer_is_no_matter_of_clocks(clock, tmp_path):
    folder, beside = tmp_path / "run", tmp_path / ".run.unfinished"
    OLD.save(folder)
    killed(run_folder, "put_in_place", True, folder)
    os.utime(beside / "meta.json", ns=(clock, clock))
    assert told(ern.Result.load(folder)) == EXPECTED["old"]
    with pytest.raises(ern.InvalidModel, match="this run has finished"):
        ern.resume(folder)
    assert told(ern.Result.load(folder)) == EXPECTED["new"]
    assert os.listdir(tmp_path) == ["run"]
    OLD.save(folder)
    killed(files, "_exchange", False, folder)
    os.utime(folder / "meta.json", ns=(clock, clock))
    assert told(ern.Result.load(beside)) == EXPECTED["old"]
    with pytest.raises(ern.InvalidModel, match="this run has finished"):
        ern.resume(folder)
    assert told(ern.Result.load(folder)) == EXPECTED["new"]


def test_a_result_that_came_meanwhile_is_not_replaced(tmp_path):
    """Neither what was to be replaced nor what replaced it: nobody but the user knows which is wanted."""
    folder, beside = tmp_path / "run", tmp_path / ".run.unfinished"
    OLD.save(folder)
    killed(run_folder, "put_in_place", True, folder)
    other = run(250.0)
    shutil.rmtree(folder)
    other.save(folder)
    with pytest.raises(ern.InvalidModel, match="was to replace another than is in"):
        ern.resume(folder)
    assert told(ern.Result.load(folder)) == told(other)
    assert told(ern.Result.load(beside)) == EXPECTED["new"]


def test_results_without_an_identity_are_told_apart_too(tmp_path):
    """As those of older versions."""
    folder = tmp_path / "run"
    for result, name in ((OLD, "before"), (run(250.0), "other")):
        result.save(tmp_path / name)
        meta = unsealed(tmp_path / name / "meta.json")
        del meta["run"]
        (tmp_path / name / "meta.json").write_text(json.dumps(meta))
    shutil.copytree(tmp_path / "before", folder)
    killed(run_folder, "put_in_place", True, folder)
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "other", folder)
    with pytest.raises(ern.InvalidModel, match="was to replace another than is in"):
        ern.resume(folder)
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "before", folder)
    with pytest.raises(ern.InvalidModel, match="this run has finished"):
        ern.resume(folder)
    assert told(ern.Result.load(folder)) == EXPECTED["new"]


def interrupted(folder, monkeypatch):
    """A run that Ctrl-C ends in its sixth step."""
    with ctrl_c_in_step(monkeypatch, 5), pytest.raises(ern.Interrupted):
        run(300.0, out=folder)


def test_what_someone_put_there_meanwhile_stays(tmp_path, monkeypatch):
    folder = tmp_path / "run"
    OLD.save(folder)
    interrupted(folder, monkeypatch)
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine")
    with pytest.raises(ern.InvalidModel, match="thesis"):
        ern.resume(folder)
    assert (folder / "thesis.txt").read_text() == "mine"
    shutil.rmtree(folder)
    assert told(ern.resume(folder)) == EXPECTED["new"]


def test_what_someone_puts_there_while_it_runs_stays_and_so_does_the_result(tmp_path, monkeypatch):
    folder, at = tmp_path / "run", SourceSpikes.at
    OLD.save(folder)

    def written(feeds, t):
        (folder / "notes.txt").write_text("mine")
        return at(feeds, t)

    with monkeypatch.context() as patch:
        patch.setattr(SourceSpikes, "at", written)
        with pytest.raises(ern.InvalidModel, match=r"the result is whole in .*\.run\.unfinished"):
            run(300.0, out=folder)
    assert told(ern.Result.load(folder)) == EXPECTED["old"]
    assert (folder / "notes.txt").read_text() == "mine"
    assert told(ern.Result.load(tmp_path / ".run.unfinished")) == EXPECTED["new"]


def test_no_backend_goes_over_a_run_that_can_be_resumed(tmp_path, monkeypatch):
    interrupted(tmp_path / "run", monkeypatch)
    net = ern.Network()
    net.population("cells", 1, ern.LIF())
    with pytest.raises(ern.InvalidModel, match="has not finished"):
        ern.run(net, duration_ms=5, backend="loihi-emulator", out=tmp_path / "run")
    assert told(ern.resume(tmp_path / "run")) == EXPECTED["new"]


@pytest.fixture
def full(monkeypatch):
    """A disk on which nothing of this kind can be written any more: the system's own full device takes its place."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no full device")
    original = Path.open

    def fill(matches):
        def opened(path, mode="r", *arguments, **options):
            there = Path("/dev/full") if set(mode) & set("wa") and matches in str(path) else path
            return original(there, mode, *arguments, **options)

        monkeypatch.setattr(Path, "open", opened)

    return fill


@pytest.mark.parametrize(
    ("way", "matches"),
    [
        ("saved", "recording.npz"),
        ("saved", "graph.json"),
        ("recorded as it runs", "/spool/"),
        ("recorded as it runs", "checkpoint.npz"),
        ("recorded as it runs", "meta.json"),
    ],
)
def test_a_full_disk(way, matches, full, monkeypatch, tmp_path):
    folder = tmp_path / "run"
    OLD.save(folder)
    full(matches)
    with pytest.raises(ern.InvalidModel) as error:
        WAYS[way](folder)
    assert str(error.value).startswith("cannot write ")
    assert "No space left on device; free some space" in str(error.value)
    assert "\n" not in str(error.value)
    monkeypatch.undo()
    assert told(ern.Result.load(folder)) == EXPECTED["old"]
    if (tmp_path / ".run.unfinished" / "checkpoint.npz").exists():
        assert told(ern.resume(folder)) == EXPECTED["new"]
    assert os.listdir(tmp_path) == ["run"]


def test_where_the_system_cannot_exchange_folders(tmp_path, monkeypatch):
    def cannot(one, other):
        raise OSError("not here")

    monkeypatch.setattr("ernsnn.files._exchange", cannot)
    OLD.save(tmp_path / "run")
    NEW.save(tmp_path / "run")
    assert told(ern.Result.load(tmp_path / "run")) == EXPECTED["new"]
    assert os.listdir(tmp_path) == ["run"]


def test_what_another_process_is_writing_is_left_alone(tmp_path):
    """Two write one folder at once: neither takes away what the other has not finished."""

    def slow(file):
        assert len(os.listdir(tmp_path)) == 1
        write_folder(tmp_path / "run", {"fast.txt": "fast"})
        assert len(os.listdir(tmp_path)) == 2
        file.write(b"slow")

    write_folder(tmp_path / "run", {"slow.txt": slow})
    assert sorted(os.listdir(tmp_path / "run")) == [".ernsnn", "slow.txt"]


def test_what_was_killed_before_it_wrote_anything_is_swept_away(tmp_path):
    """An empty folder of that name is; one with something in it is nobody's to remove."""
    empty, full = tmp_path / ".run.abcdefgh.part", tmp_path / ".run.ijklmnop.part"
    empty.mkdir()
    full.mkdir()
    (full / "mine").touch()
    OLD.save(tmp_path / "run")
    assert sorted(os.listdir(tmp_path)) == [full.name, "run"]


def test_who_is_swept_away_while_it_begins_begins_again(tmp_path, monkeypatch):
    made, swept = [], []

    def mkdtemp(*arguments, original=tempfile.mkdtemp, **options):
        made.append(original(*arguments, **options))
        if len(made) == 2:  # the first only finds out whether it could be written
            swept.append(made[-1])
            os.rmdir(made[-1])
        return made[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", mkdtemp)
    OLD.save(tmp_path / "run")
    assert swept
    assert told(ern.Result.load(tmp_path / "run")) == told(OLD)
    assert os.listdir(tmp_path) == ["run"]
