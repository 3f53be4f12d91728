"""Runs recorded in a folder: killed at any moment and resumed, interrupted, damaged, and bounded in memory."""

from __future__ import annotations

import json
import os
import signal
import tracemalloc

import numpy as np
import pytest
from interrupts import ctrl_c_in_step
from killed_runs import EVERY_MS, GRAPH, RUN, assert_recorded, in_child, kill, killed_at, network, refused

import ernsnn as ern
from ernsnn.backend import source_spikes, stepping
from ernsnn.backend.recorder import Recorder
from ernsnn.hardware_backends.reference.synapses import PlasticState
from ernsnn.running import folder as run_folder
from ernsnn.running import simulate
from ernsnn.running.spool import Spool


@pytest.fixture(scope="module")
def expected():
    """What an uninterrupted run in memory records."""
    return ern.run(GRAPH, **RUN).recording.to_arrays()


def files(folder):
    return {path.name for path in folder.iterdir()}


FINISHED = {".ernsnn", "run.json", "graph.json", "graph.npz", "meta.json", "recording.npz", "state.npz"}


# What is patched, the call at which it kills, whether before it, and the step of the checkpoint that is then there.
MOMENTS = {
    "in the first interval": (source_spikes.SourceSpikes, "at", 60, True, None),
    "within a step": (PlasticState, "learn", 390, True, 300),
    "in the fourth interval": (source_spikes.SourceSpikes, "at", 390, True, 300),
    "before the spool": (Spool, "append", 4, True, 300),
    "after the spool": (Spool, "append", 4, False, 300),
    "with the checkpoint beside its place": (os, "replace", 5, True, 300),
    "after a checkpoint": (run_folder, "write_file", 4, False, 400),
    "before the recording": (run_folder, "write_file", 9, True, 800),
    "after the recording": (run_folder, "write_file", 9, False, 800),
    "after the state": (run_folder, "write_file", 10, False, 800),
    "after the meta data": (run_folder, "write_file", 11, False, 800),
    "before the spool is removed": (Spool, "remove", 1, True, None),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_and_resumed(moment, expected, tmp_path):
    owner, name, call, before, step = MOMENTS[moment]

    def work():
        with killed_at(call, owner, name, before):
            ern.run(GRAPH, **RUN, out=tmp_path / "run", checkpoint_every_ms=EVERY_MS)

    assert in_child(work) == -signal.SIGKILL
    if name == "remove":  # its last act: the run has finished
        assert_recorded(ern.Result.load(tmp_path / "run"), expected)
        return
    assert step == last_step(tmp_path / "run")
    assert_recorded(ern.resume(tmp_path / "run"), expected)
    assert files(tmp_path / "run") == FINISHED
    assert_recorded(ern.Result.load(tmp_path / "run"), expected)


def last_step(folder):
    if not (folder / "checkpoint.npz").exists():
        return None
    with np.load(folder / "checkpoint.npz") as file:
        return json.loads(str(file["about"]))["step"]


def test_killed_again_and_again(expected, tmp_path):
    def begin():
        with killed_at(250, source_spikes.SourceSpikes, "at", True):
            ern.run(GRAPH, **RUN, out=tmp_path / "run", checkpoint_every_ms=EVERY_MS)

    def go_on():
        with killed_at(250, source_spikes.SourceSpikes, "at", True):
            ern.resume(tmp_path / "run")

    steps = []
    assert in_child(begin) == -signal.SIGKILL
    while in_child(go_on) == -signal.SIGKILL:
        steps.append(last_step(tmp_path / "run"))
    assert steps == [400, 600, 800]
    assert_recorded(ern.Result.load(tmp_path / "run"), expected)


@pytest.mark.parametrize("every", [None, EVERY_MS])
def test_ctrl_c_leaves_a_recording_that_can_be_resumed(every, expected, tmp_path, monkeypatch):
    told = pytest.raises(ern.Interrupted, match=r"after 451 of 900 ms, .* `ernsnn resume .*` goes on")
    with ctrl_c_in_step(monkeypatch, 450), told:
        ern.run(GRAPH, **RUN, out=tmp_path / "run", checkpoint_every_ms=every)
    partial = ern.Result.load(tmp_path / "run")
    assert (partial.duration_ms, partial.meta["finished"], partial.meta["duration_ms"]) == (451, False, 451)
    for name in ("source", "cells"):
        times, neurons = partial.spikes(name)
        before = expected[f"spikes/{name}/steps"] < 451
        assert times.tolist() == expected[f"spikes/{name}/steps"][before].tolist()
        assert neurons.tolist() == expected[f"spikes/{name}/neurons"][before].tolist()
    assert partial.signal("plastic", "w")[0].tolist() == [0, 249, 333]
    shorter = ern.run(GRAPH, duration_ms=451, backend="reference")
    assert partial.weights("plastic").tobytes() == shorter.weights("plastic").tobytes()
    with pytest.raises(ern.InvalidModel, match=r"has not finished: `ernsnn resume .*` goes on with it"):
        ern.run(GRAPH, **RUN, out=tmp_path / "run")
    assert_recorded(ern.resume(tmp_path / "run"), expected)
    assert files(tmp_path / "run") == FINISHED


def test_a_run_without_checkpoints_begins_anew(expected, tmp_path):
    def work():
        with killed_at(300, source_spikes.SourceSpikes, "at", True):
            ern.run(GRAPH, **RUN, out=tmp_path / "run")

    assert in_child(work) == -signal.SIGKILL
    with pytest.raises(ern.InvalidModel, match=r"has not finished; `ernsnn resume .*` goes on"):
        ern.Result.load(tmp_path / "run")
    assert_recorded(ern.resume(tmp_path / "run"), expected)
    assert_recorded(ern.run(GRAPH, **RUN, out=tmp_path / "run"), expected)


@pytest.fixture
def killed(tmp_path):
    """A run that was killed in its fourth interval."""
    return kill(GRAPH, tmp_path / "run")


def test_what_cannot_be_resumed(killed, tmp_path):
    refused(tmp_path / "nowhere", r"no run to resume \(run.json is missing\)")
    ern.run(GRAPH, **RUN, out=tmp_path / "done")
    refused(tmp_path / "done", "this run has finished")
    ern.run(GRAPH, **RUN).save(tmp_path / "saved")
    refused(tmp_path / "saved", "this run has finished")
    kept = (killed / "checkpoint.npz").read_bytes()
    (killed / "checkpoint.npz").write_bytes(kept[: len(kept) // 2])
    refused(killed, "the checkpoint is damaged")
    (killed / "checkpoint.npz").write_bytes(kept[:2000] + bytes([kept[2000] ^ 1]) + kept[2001:])
    refused(killed, "the checkpoint is damaged")
    (killed / "checkpoint.npz").write_bytes(kept)
    spooled = killed / "spool" / "spikes" / "source" / "steps"
    os.truncate(spooled, spooled.stat().st_size // 2)
    refused(killed, r"steps: holds less than the checkpoint says")
    (killed / "graph.npz").unlink()
    refused(killed, "no saved graph")


def test_two_at_once(killed):
    with run_folder._locked(killed):
        refused(killed, "another process is at work on this run")
        (killed / "checkpoint.npz").unlink()
        with pytest.raises(ern.InvalidModel, match="another process is at work on this run"):
            ern.run(GRAPH, **RUN, out=killed)


def test_memory_does_not_grow_with_the_duration(tmp_path, monkeypatch):
    monkeypatch.setattr("ernsnn.backend.recorder.CHUNK_STEPS", 64)
    monkeypatch.setattr(source_spikes, "_BLOCK", 64)
    net = ern.Network()
    net.population("source", 100, ern.Poisson(400.0))
    cells = net.population("cells", 50, ern.LIF(i_offset_nA=1.0))
    net.probe(cells, "v_mV", every_ms=1)
    graph = ern.lower(net, 0)
    ern.run(graph, duration_ms=100, backend="reference", out=tmp_path / "warm")
    peaks = []
    for duration in (300, 3_000):
        tracemalloc.start()
        result = ern.run(graph, duration_ms=duration, backend="reference", out=tmp_path / str(duration))
        assert result.spike_counts["source"] > 30 * duration
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    kept = [
        sum(a.nbytes for a in ern.Result.load(tmp_path / d).recording.to_arrays().values()) for d in ("300", "3000")
    ]
    assert kept[1] - kept[0] > 2e6
    assert peaks[1] - peaks[0] < 0.1 * (kept[1] - kept[0])


def test_chunks_end_early_where_probes_are_large(monkeypatch):
    net = ern.Network()
    net.probe(net.population("cells", 100, ern.LIF()), "v_mV")
    lengths = []
    monkeypatch.setattr("ernsnn.backend.recorder.CHUNK_BYTES", 100 * 8 * 10)
    engine = simulate.get_backend("reference").engine(ern.lower(net, 0))
    keep = lambda chunk: lengths.append(len(chunk["signals/cells.v_mV/steps"]))  # noqa: E731
    stepping.Run(engine, Recorder(engine, keep), 25).until(25, lambda fraction: None)
    assert lengths == [11, 11, 3]


# What is asked for


def test_weights_at_chosen_times():
    result = ern.run(GRAPH, duration_ms=400, backend="reference", weights_at_ms=["0.333 s", 17, 17])
    every = network()
    every.probe(next(iter(every.projections.values())), "m", every_ms=1)
    all_times = ern.run(every, duration_ms=400, backend="reference", seed=3)
    times, marks = result.signal("plastic", "m")
    assert times.tolist() == [17, 333]
    assert marks.tobytes() == all_times.signal("plastic", "m")[1][[17, 333]].tobytes()
    assert result.signal("plastic", "w")[0].tolist() == [17, 249, 333]  # with those of the probe


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights_at_ms": [400]}, "weights_at_ms: 400 is not before the end of the run"),
        ({"weights_at_ms": [-1]}, "weights_at_ms: times start at 0"),
        ({"weights_at_ms": [0.5]}, "weights_at_ms"),
        ({"checkpoint_every_ms": 100}, "checkpoint_every_ms: needs out"),
        ({"checkpoint_every_ms": 0, "out": "x"}, "checkpoint_every_ms: must be a time > 0"),
    ],
)
def test_requests_that_cannot_be_met(options, message):
    with pytest.raises(ern.InvalidModel, match=message):
        ern.run(GRAPH, duration_ms=400, backend="reference", **options)


def test_nothing_learns():
    net = ern.Network()
    net.population("cells", 2, ern.LIF())
    with pytest.raises(ern.InvalidModel, match="network has no plastic projection"):
        ern.run(net, duration_ms=10, backend="reference", weights_at_ms=[1])


@pytest.mark.parametrize("options", [{"weights_at_ms": [1]}, {"checkpoint_every_ms": 1, "out": "x"}])
def test_brian2_is_not_run_step_by_step(options):
    with pytest.raises(ern.UnsupportedOnBackend, match="brian2 is not run step by step; use backend 'native'"):
        ern.run(GRAPH, duration_ms=10, backend="brian2", **options)
