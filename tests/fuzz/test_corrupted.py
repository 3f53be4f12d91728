"""Corrupted folders and graphs: each is refused by an error of ours that names the folder, or changes nothing.

Nothing outside the folder is touched, nothing hangs, and memory stays within what the graph justifies.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import tracemalloc

import numpy as np
import pytest
import samples
from corrupted import arrays_of, honest, hostile, saved_arrays, with_a_bomb
from killed_runs import in_child, killed_at, network

import ernsnn as ern
from ernsnn.backend import source_spikes
from ernsnn.loading import unsealed
from ernsnn.report import write_report
from ernsnn.studies.models import Summary, get_model

# What a stranger writes may be a network of absurd numbers, which overflow in silence.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

LIMIT_S = 5
"""No single case may take longer."""

KINDS = {"saved": 0.3, "recorded": 0.15, "killed": 0.25, "graph": 0.3}
"""What is corrupted, and its share of the cases."""


def shared():
    """Rates, currents and a signal that neurons share."""
    net, times = ern.Network(dt_ms=1.0), np.arange(6.0)
    waves = np.random.default_rng(4).uniform(0.0, 1.0, (6, 2))
    net.population("noise", 4, ern.Poisson(ern.Schedule(times, 400 * waves, [0, 1, 1, 0])))
    cells = net.population("cells", 5, ern.LIF())
    net.inject(cells, ern.Schedule(times, waves, [1, 1, 0, 1, 0]))
    net.modulate(cells, net.signal("third", ern.Schedule(times, waves, [0, 0, 1, 1, 0])), "i_offset_nA", gain=0.5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ernsnn.graph.values._WORTH_SHARING", 1)
        return ern.lower(net, 5)


GRAPHS = {name: lambda build=build: ern.lower(build(), 5) for name, build in samples.SAMPLES.items()}
GRAPHS["shared"] = shared


class Meant(ern.Result):
    """A result with something to say."""

    summary = Summary(name="words", text="many", data=[1], verdict="well", heads=["a"], rows=[["b"]])


def told(result):
    """All that a result says, and all that can be gone on from."""
    arrays = result.recording.to_arrays() | {f"state/{k}": v for k, v in (result.recording.state or {}).items()}
    meta = {k: v for k, v in result.meta.items() if k not in ("schema", "wall_s", "run", "checksums")}
    return result.graph.digest, {k: (a.dtype.str, a.shape, a.tobytes()) for k, a in arrays.items()}, meta


def kill(graph, folder):
    def work():
        with killed_at(45, source_spikes.SourceSpikes, "at", True):
            ern.run(graph, duration_ms=60, backend="reference", out=folder, checkpoint_every_ms=10)

    assert in_child(work) == -signal.SIGKILL


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Folders of every kind, as they should be."""
    folder, graph = tmp_path_factory.mktemp("whole"), ern.lower(network(rate_hz=200.0), 3)
    result = ern.run(graph, duration_ms=60, backend="reference", out=folder / "recorded")
    Meant(graph, result.recording).save(folder / "saved")
    kill(graph, folder / "killed")
    for name, build in GRAPHS.items():
        ern.save_graph(build(), folder / f"graph-{name}")
    return folder


@pytest.fixture(scope="module")
def expected(whole):
    return {
        "saved": told(ern.Result.load(whole / "saved")),
        "recorded": told(ern.Result.load(whole / "recorded")),
        "killed": told(ern.Result.load(whole / "recorded")),
        **{f"graph-{name}": ern.load_graph(whole / f"graph-{name}").digest for name in GRAPHS},
    }


def use(kind, folder):
    """What a user does with such a folder; what it says."""
    if kind.startswith("graph"):
        graph = ern.load_graph(folder)
        ern.run(graph, duration_ms=2 * graph.dt_ms, backend="reference")
        return graph.digest
    if kind == "killed":
        return told(ern.resume(folder))
    result = ern.Result.load(folder)
    said = told(result)
    if kind == "saved":
        write_report(folder)
        repr(result)
        result.save(folder)
    else:
        ern.run(result.graph, duration_ms=2, start=result)
    return said


def outside(scratch):
    return {path: path.read_bytes() for path in (scratch / "outside").rglob("*") if path.is_file()}


def case(kind, change, seed, whole, expected, scratch):
    """One corrupted folder; whether it was refused."""
    rng, folder = np.random.default_rng(seed), scratch / "run"
    name = kind if kind != "graph" else f"graph-{list(GRAPHS)[int(rng.integers(len(GRAPHS)))]}"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole / name, folder)
    change(rng, folder)
    before, message, said = outside(scratch), "", None
    try:
        said = use(name, folder)
    except ern.ErnsnnError as error:
        message = str(error) or "nothing"
    assert outside(scratch) == before
    assert sorted(os.listdir(scratch)) in (["outside", "run"], ["outside"])
    assert "Traceback" not in message
    assert len(message) < 2000, f"quotes too much: {message[:300]}"
    if change is honest and not message:
        assert said == expected[name], "a result has changed in silence"
    return bool(message)


def corrupt(kind, change, number, whole, expected, tmp_path, first=0):
    """So many cases; how many were refused."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "letter.txt").write_text("dear" * 1000)
    refused = 0

    def hangs(signal_number, frame):
        raise AssertionError(f"takes longer than {LIMIT_S} s")

    before = signal.signal(signal.SIGALRM, hangs)
    try:
        for seed in range(first, first + number):
            signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
            try:
                refused += case(kind, change, seed, whole, expected, tmp_path)
            except Exception as error:
                raise AssertionError(f"{kind}, {change.__name__}, {seed}: {type(error).__name__}: {error}") from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return refused


@pytest.mark.parametrize("change", [honest, hostile], ids=lambda change: change.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_corrupted(kind, change, whole, expected, tmp_path):
    number = int(200 * KINDS[kind])
    assert corrupt(kind, change, number, whole, expected, tmp_path) > number // 4


@pytest.mark.slow
@pytest.mark.parametrize("change", [honest, hostile], ids=lambda change: change.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_thousands_corrupted(kind, change, whole, expected, tmp_path):
    number = int(3000 * KINDS[kind])
    refused = corrupt(kind, change, number, whole, expected, tmp_path)
    print(f"{kind}, {change.__name__}: {refused} of {number} refused")


@pytest.mark.parametrize("name", ["recording.npz", "state.npz", "graph.npz", "checkpoint.npz"])
@pytest.mark.parametrize("member", ["foreign", "a member"])
def test_what_is_small_on_disk_and_large_in_memory(name, member, whole, tmp_path):
    """Whatever stands there is as large as the graph says, or is not read at all."""
    kind = "killed" if name == "checkpoint.npz" else "recorded"
    folder = tmp_path / "run"
    shutil.copytree(whole / kind, folder)
    content, first = (folder / name).read_bytes(), next(iter(arrays_of(folder / name)))
    (folder / name).write_bytes(with_a_bomb(content, "foreign" if member == "foreign" else first))
    tracemalloc.start()
    try:
        with pytest.raises(ern.InvalidModel, match=str(folder)):
            use(kind, folder)
        assert tracemalloc.get_traced_memory()[1] < 30e6
    finally:
        tracemalloc.stop()


def test_without_checksums_too_nothing_is_read_that_does_not_fit(whole, tmp_path):
    """As folders of older versions are, and those of strangers."""
    folder = tmp_path / "run"
    shutil.copytree(whole / "recorded", folder)
    meta = unsealed(folder / "meta.json")
    for key in ("checksums", "run", "spike_counts", "duration_ms"):
        del meta[key]
    (folder / "meta.json").write_text(json.dumps(meta))
    good = arrays_of(folder / "recording.npz")
    assert ern.Result.load(folder).spike_counts == {
        name: len(good[f"spikes/{name}/steps"]) for name in ("source", "cells")
    }
    steps = good["spikes/source/steps"]
    for changed in (
        {**good, "spikes/source/steps": steps + 60},
        {**good, "spikes/source/neurons": good["spikes/source/neurons"] - 9},
        {**good, "spikes/source/steps": steps[:-1]},
        {**good, "spikes/nobody/steps": steps},
        {**good, "synapses/plastic/w": good["synapses/plastic/w"][:-1]},
        {**good, "signals/cells.v_mV/values": good["signals/cells.v_mV/values"][:, :-1]},
        {**good, "n_steps": np.array(-1)},
        {**good, "n_steps": np.array([60])},
        {**good, "n_steps": np.array("60")},
        {k: v for k, v in good.items() if not k.startswith("spikes/source")},
        {k: v for k, v in good.items() if k != "signals/cells.v_mV/steps"},
    ):
        (folder / "recording.npz").write_bytes(saved_arrays(changed))
        with pytest.raises(ern.InvalidModel, match=str(folder)):
            ern.Result.load(folder)


@pytest.mark.parametrize("name", ["graph.json", "graph.npz", "meta.json", "recording.npz", "state.npz", "summary.json"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_what_never_ends_is_not_read(name, kind, whole, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(whole / "saved", folder)
    (folder / name).unlink()
    {
        "pipe": lambda: os.mkfifo(folder / name),
        "device": lambda: (folder / name).symlink_to("/dev/zero"),
        "folder": lambda: (folder / name).mkdir(),
    }[kind]()
    with pytest.raises(ern.InvalidModel, match=r"no regular file"):
        ern.run(ern.load_graph(folder), duration_ms=1, start=ern.Result.load(folder))
    with pytest.raises(ern.InvalidModel, match=r"no regular file"):
        get_model("ca3_memory").open(input=folder / name)


def test_no_hard_link_either(whole, tmp_path):
    shutil.copytree(whole / "killed", tmp_path / "run")
    spooled = tmp_path / "run" / "spool" / "spikes" / "source" / "steps"
    os.link(spooled, tmp_path / "snapshot")
    before = spooled.read_bytes()
    with pytest.raises(ern.InvalidModel, match="has another name elsewhere"):
        ern.resume(tmp_path / "run")
    assert (tmp_path / "snapshot").read_bytes() == before
    shutil.copytree(tmp_path / "run", tmp_path / "copy")
    assert ern.resume(tmp_path / "copy").duration_ms == 60


def test_more_neurons_than_memory_holds_are_refused_when_they_are_loaded(whole, tmp_path, monkeypatch):
    shutil.copytree(whole / "graph-learning", tmp_path / "run")
    monkeypatch.setattr("ernsnn.graph.memory.available_bytes", lambda: 100)
    with pytest.raises(ern.InvalidModel, match=r"bytes .* of memory"):
        ern.load_graph(tmp_path / "run")


@pytest.mark.parametrize("name", ["run.json", ".ernsnn", "checkpoint.npz"])
def test_a_pipe_in_the_folder_of_a_run_is_not_waited_for(name, whole, tmp_path):
    folder, graph = tmp_path / "run", ern.lower(network(), 3)
    shutil.copytree(whole / "killed", folder)
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(ern.InvalidModel):
        ern.run(graph, duration_ms=5, backend="reference", out=folder)
    if name == ".ernsnn":
        assert ern.resume(folder).duration_ms == 60
    else:
        with pytest.raises(ern.InvalidModel, match="no regular file"):
            ern.resume(folder)


@pytest.mark.parametrize("place", ["spool", "spool/spikes", "spool/spikes/source/steps"])
def test_no_link_leads_out_of_a_run(place, whole, tmp_path):
    folder, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    shutil.copytree(whole / "killed", folder)
    shutil.move(folder / place, elsewhere)
    (folder / place).symlink_to(elsewhere)
    (tmp_path / "elsewhere.txt").write_text("mine")
    if elsewhere.is_dir():
        (elsewhere / "thesis.txt").write_text("mine")
    before = {path: path.read_bytes() for path in [elsewhere, *elsewhere.rglob("*")] if path.is_file()}
    with pytest.raises(ern.InvalidModel, match=r"is a link|is no file that a run wrote"):
        ern.resume(folder)
    assert {path: path.read_bytes() for path in [elsewhere, *elsewhere.rglob("*")] if path.is_file()} == before
