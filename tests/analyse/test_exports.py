"""What is exported is what was recorded: each format is read back with its own library, and holds the same data."""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import ernsnn as ern
from ernsnn.analyse.export import files as exports
from ernsnn.cli import main
from ernsnn.files import write_file
from ernsnn.result import Result

DT = 0.1
FORMATS = (".csv", ".npz", ".nix", ".nwb")


def network() -> ern.Network:
    """Whatever a result can hold: silent neurons, every kind of probe, marks, learned weights and thresholds."""
    net = ern.Network(dt_ms=DT, name="all of it")
    source = net.population("in.put", 3, ern.SpikeTimes([[0.3, 0.7, 2.9, 5.1], [], [0.3, 1.1]]))
    rule = ern.LearningRule(terms=[ern.Term("w", "post", 0.5)], bounds={"w": (-55, -40)})
    plasticity = ern.IntrinsicPlasticity(target="v_threshold_mV", rule=rule)
    cells = net.population("cells", 4, ern.LIF(cm_nF=0.05), plasticity=plasticity)
    jumps = net.population("jumps", 2, ern.DeltaLIF())
    conducts = net.population("conducts", 2, ern.ConductanceLIF())
    glia = net.calcium_astrocyte("glia", [cells], release_uM=1)
    slow = net.astrocyte("slow", [cells], tau_ms=50, per="neuron")
    marked = ern.stdp.pair(A_plus=0.01, A_minus=0.01, marks=[ern.marks.Labile("a", tau_s=1, rise=0.1)], epoch_ms=1)
    w = ern.Uniform(0.5, 0.9)
    plastic = net.projection("plastic", source[0:2], cells[1:4], weight_nA=w, learning=marked)
    net.projection("kicks", source, jumps, weight_mV=3, learning=ern.stdp.pair(A_plus=0.1, A_minus=0.1, w_max=30))
    net.projection("opens", source, conducts, weight_uS=0.01, learning=ern.stdp.pair(A_plus=0.001, A_minus=0.001))
    net.projection("static", source, cells, ern.FixedProbability(0.5), weight_nA=ern.Uniform(0.5, 0.9))
    net.probe(cells[1:3], "v_mV", every_ms=0.3)
    net.probe(conducts, "g_E_uS")
    net.probe(glia, "C", every_ms=3)
    net.probe(slow, "value")
    net.probe(plastic, "a", every_ms=0.7)
    return net


@pytest.fixture(scope="module")
def result() -> ern.Result:
    options = {"duration_ms": 6.0, "backend": "reference", "seed": 4}
    return ern.run(network(), **options, weights_at_ms=[0, 0.5, 3.1])


@pytest.fixture(scope="module")
def quiet() -> ern.Result:
    net = ern.Network(name="silent")
    net.population("quiet", 2, ern.LIF())
    return ern.run(net, duration_ms=3, backend="reference")


def contents(result: ern.Result) -> dict[tuple[str, ...], np.ndarray]:
    """The recording itself, with times in steps; ends of synapses by the description of the network."""
    found: dict[tuple[str, ...], np.ndarray] = {}
    ends = {p.name: (p.synapses.pre, p.synapses.post) for p in result.graph.projections}
    for name, (steps, neurons) in result.recording.spikes.items():
        found["spikes", name] = np.stack([steps, neurons])
    for key, (steps, values) in result.recording.signals.items():
        target = key.rpartition(".")[0]
        found["signals", key] = np.column_stack([steps, values])
        starts = {"cells.v_mV": 1}
        labels = ends[target] if target in ends else (np.arange(values.shape[1]) + starts.get(key, 0),)
        found["labels", key] = np.stack(labels)
    for name, variables in result.recording.synapses.items():
        found |= {("synapses", name, v): values for v, values in variables.items()}
        found["ends", name] = np.stack(ends[name])
    for name, parameters in result.recording.neurons.items():
        found |= {("neurons", name, v): values for v, values in parameters.items()}
    return found


def steps(times_ms) -> np.ndarray:
    return np.rint(np.asarray(times_ms, dtype=float) / DT).astype(int)


def by_time(trains: dict[int, np.ndarray]) -> np.ndarray:
    """(steps, neurons) of spikes in ms, by step, then neuron."""
    pairs = sorted((step, neuron) for neuron, times in trains.items() for step in steps(times).tolist())
    return np.array(pairs, dtype=int).reshape(-1, 2).T


def read_csv(path: Path) -> dict[tuple[str, ...], np.ndarray]:
    def table(file: Path):
        with file.open(newline="") as text:
            head, *rows = csv.reader(text)
        return head, rows

    found: dict[tuple[str, ...], np.ndarray] = {}
    head, rows = table(path)
    assert head == ["population", "neuron", "time_ms"]
    for name in ("in.put", "cells", "jumps", "conducts"):
        mine = [(float(t), int(n)) for population, n, t in rows if population == name]
        found["spikes", name] = np.array([steps([t for t, _ in mine]), [n for _, n in mine]])
    for file in path.parent.glob(f"{path.stem}.*.csv"):
        kind, _, owner = file.name.removeprefix(f"{path.stem}.").removesuffix(".csv").partition(".")
        head, rows = table(file)
        if kind == "signals":
            values = np.array(rows, dtype=float)
            found[kind, owner] = np.column_stack([steps(values[:, 0]), values[:, 1:]])
            found["labels", owner] = np.array([list(map(int, label.split("-"))) for label in head[1:]]).T
            continue
        columns = dict(zip(head, zip(*rows, strict=True), strict=True))
        labels = [columns.pop(k) for k in ("pre", "post", "neuron") if k in columns]
        if kind == "synapses":
            found["ends", owner] = np.array(labels, dtype=int)
        found |= {(kind, owner, v): np.array(values, dtype=float) for v, values in columns.items()}
    return found


def read_npz(path: Path) -> dict[tuple[str, ...], np.ndarray]:
    with np.load(path) as file:
        stored = dict(file)
    assert json.loads(str(stored.pop("written-by-ernsnn")))["backend"] == "reference"
    assert [stored.pop(k) for k in ("dt_ms", "start_ms", "duration_ms")] == [DT, 0.0, 6.0]
    nested: dict[tuple[str, str], dict[str, np.ndarray]] = {}
    for key, array in stored.items():
        kind, name, what = key.split("/")
        nested.setdefault((kind, name), {})[what] = array
    found: dict[tuple[str, ...], np.ndarray] = {}
    for (kind, name), held in nested.items():
        labels = [held.pop(k) for k in ("pre", "post", "neuron", "index") if k in held]
        if kind == "spikes":
            found[kind, name] = np.stack([steps(held["time_ms"]), *labels])
        elif kind == "signals":
            found[kind, name] = np.column_stack([steps(held["time_ms"]), held["values"]])
            found["labels", name] = np.stack(labels)
        else:
            found |= {(kind, name, v): values for v, values in held.items()}
            found |= {("ends", name): np.stack(labels)} if kind == "synapses" else {}
    return found


def from_neo(block) -> dict[tuple[str, ...], np.ndarray]:
    [segment] = block.segments
    found: dict[tuple[str, ...], np.ndarray] = {}
    for group in block.groups:
        trains = {int(t.annotations["neuron"]): t.rescale("ms").magnitude for t in group.spiketrains}
        assert list(trains) == list(range(len(trains)))
        found["spikes", group.name] = by_time(trains)
    for signal in [*segment.analogsignals, *segment.irregularlysampledsignals]:
        times = steps(signal.times.rescale("ms").magnitude)
        found["signals", signal.name] = np.column_stack([times, signal.magnitude])
        labels = signal.array_annotations
        found["labels", signal.name] = np.stack([labels[k] for k in ("pre", "post", "neuron", "index") if k in labels])
    for event in segment.events:
        assert steps(event.times.rescale("ms").magnitude).tolist() == [60] * len(event)
        values = dict(event.array_annotations)
        labels = [values.pop(k) for k in ("pre", "post", "neuron") if k in values]
        kind = str(event.annotations["kind"])
        found |= {(kind, event.name, v): array.magnitude for v, array in values.items()}
        found |= {("ends", event.name): np.stack(labels)} if kind == "synapses" else {}
    return found


def read_nix(path: Path) -> dict[tuple[str, ...], np.ndarray]:
    from neo.io import NixIO

    with NixIO(str(path), "ro") as file:
        return from_neo(file.read_block())


def read_nwb(path: Path) -> dict[tuple[str, ...], np.ndarray]:
    from pynwb import NWBHDF5IO, validate

    assert validate(path=str(path)) == []
    found: dict[tuple[str, ...], np.ndarray] = {}
    with NWBHDF5IO(str(path), "r") as io:
        file = io.read()
        units = file.units.to_dataframe()
        for name, mine in units.groupby("population", sort=False):
            trains = dict(zip(mine["neuron"], (1000 * np.asarray(t) for t in mine["spike_times"]), strict=True))
            found["spikes", name] = by_time(trains)
        columns, learned = file.processing["columns"], file.processing["learned"]
        for name, series in file.acquisition.items():
            found["signals", name] = np.column_stack([steps(1000 * series.timestamps[:]), series.data[:]])
            table = columns[name].to_dataframe()
            found["labels", name] = table.to_numpy().T
        for name, table in learned.data_interfaces.items():
            held = {k: table[k][:] for k in table.colnames}
            labels = [held.pop(k) for k in ("pre", "post", "neuron") if k in held]
            kind = "synapses" if len(labels) == 2 else "neurons"
            found |= {(kind, name, v): values for v, values in held.items()}
            found |= {("ends", name): np.stack(labels)} if kind == "synapses" else {}
    return found


def from_xarray(data) -> dict[tuple[str, ...], np.ndarray]:
    found: dict[tuple[str, ...], np.ndarray] = {}
    for key, array in data.data_vars.items():
        kind, _, name = key.partition("_")
        if kind == "spikes":
            found[kind, name] = np.stack([steps(array), data[f"neuron_{name}"]])
        elif kind == "signals":
            found[kind, name] = np.column_stack([steps(data[f"time_{name}"]), array])
            labels = [data[f"{k}_{name}"] for k in ("pre", "post", "neuron", "index") if f"{k}_{name}" in data.coords]
            found["labels", name] = np.stack(labels)
        else:
            owner, _, variable = name.rpartition(".")
            found[kind, owner, variable] = array.to_numpy()
            if kind == "synapses":
                found["ends", owner] = np.stack([data[f"pre_{owner}"], data[f"post_{owner}"]])
    return found


READ = {".csv": read_csv, ".npz": read_npz, ".nix": read_nix, ".nwb": read_nwb}


def assert_same(found, expected) -> None:
    assert found.keys() == expected.keys()
    for key, array in expected.items():
        assert np.array_equal(found[key], array), key


def test_the_result_has_something_of_every_kind(result) -> None:
    kinds = {key[0] for key in contents(result)}
    assert kinds == {"spikes", "signals", "labels", "synapses", "ends", "neurons"}
    assert result.spike_counts["cells"] > 0
    assert len(result.recording.signals) == 8


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_file_read_by_its_own_library_holds_the_recording(result, suffix, tmp_path) -> None:
    files = result.export(tmp_path / f"run{suffix}")
    assert set(files) == set(tmp_path.iterdir())
    assert_same(READ[suffix](tmp_path / f"run{suffix}"), contents(result))


def test_neo_and_xarray_hold_the_recording(result) -> None:
    assert_same(from_neo(result.to_neo()), contents(result))
    assert_same(from_xarray(result.to_xarray()), contents(result))


@st.composite
def recordings(draw) -> ern.Result:
    """Any spikes and numbers at all, of the network above."""
    graph, any_number = ern.lower(network(), 4), st.floats(allow_nan=False, width=64)
    spikes = {}
    for p in graph.populations:
        pairs = draw(st.sets(st.tuples(st.integers(0, 59), st.integers(0, p.size - 1)), max_size=30))
        spikes[p.name] = tuple(np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2).T)
    steps = np.array(sorted(draw(st.sets(st.integers(0, 59), min_size=1, max_size=6))))
    widths = {"cells.v_mV": 2, "glia.C": 1, "slow.value": 4, "plastic.a": 6}
    return Result(
        graph,
        ern.Recording(
            n_steps=60,
            spikes=spikes,
            signals={k: (steps, draw(arrays(float, (len(steps), n), elements=any_number))) for k, n in widths.items()},
            synapses={"plastic": {v: draw(arrays(float, 6, elements=any_number)) for v in ("w", "a")}},
            neurons={"cells": {"v_threshold_mV": draw(arrays(float, 4, elements=any_number))}},
            meta={"backend": "reference"},
        ),
    )


@given(result=recordings())
@settings(max_examples=25, deadline=None)
def test_any_recording_comes_back_bit_for_bit(result) -> None:
    expected = contents(result)
    assert_same(from_neo(result.to_neo()), expected)
    assert_same(from_xarray(result.to_xarray()), expected)
    with tempfile.TemporaryDirectory() as folder:
        for suffix in (".csv", ".npz"):
            result.export(Path(folder) / f"run{suffix}")
            assert_same(READ[suffix](Path(folder) / f"run{suffix}"), expected)


def test_times_in_ms_are_exactly_those_of_the_result(result) -> None:
    data, block = result.to_xarray(), result.to_neo()
    for name in result.recording.spikes:
        times, neurons = result.spikes(name)
        assert np.array_equal(data[f"spikes_{name}"], times)
        trains = next(g for g in block.groups if g.name == name).spiketrains
        for neuron, train in enumerate(trains):
            assert np.array_equal(train.magnitude, times[neurons == neuron])
            assert (train.dimensionality.string, float(train.t_stop)) == ("ms", 6.0)
    for signal in block.segments[0].analogsignals:
        first, every = (signal.annotations[k] for k in ("first_step", "every_steps"))
        times, _ = result.signal(signal.annotations["target"], signal.annotations["variable"])
        assert np.array_equal((first + every * np.arange(len(signal))) * DT, times)


def test_units(result) -> None:
    signals = {s.name: s.units.dimensionality.string for s in result.to_neo().segments[0].data_children_recur}
    assert {
        k: signals[k] for k in ("cells.v_mV", "conducts.g_E_uS", "glia.C", "slow.value", "plastic.a", "plastic.w")
    } == {
        "cells.v_mV": "mV",
        "conducts.g_E_uS": "uS",
        "glia.C": "uM",
        "slow.value": "dimensionless",
        "plastic.a": "dimensionless",
        "plastic.w": "nA",
    }
    data = result.to_xarray()
    assert data["synapses_kicks.w"].attrs["units"] == "mV"
    assert data["synapses_opens.w"].attrs["units"] == "uS"
    assert data["neurons_cells.v_threshold_mV"].attrs["units"] == "mV"


def test_a_run_that_goes_on_keeps_the_time_of_the_whole(result) -> None:
    more = ern.run(network(), duration_ms=3, backend="reference", seed=4, start=result)
    assert more.start_ms == 6.0
    trains = more.to_neo().segments[0].spiketrains
    assert {(float(t.t_start), float(t.t_stop)) for t in trains} == {(6.0, 9.0)}
    assert sum(map(len, trains)) == sum(more.spike_counts.values()) > 0
    assert_same(from_xarray(more.to_xarray()), contents(more))


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_run_without_a_spike_or_probe(quiet, suffix, tmp_path) -> None:
    [file] = quiet.export(tmp_path / f"quiet{suffix}")
    if suffix == ".csv":
        assert file.read_text() == "population,neuron,time_ms\n"
    elif suffix == ".nix":
        assert from_neo(quiet.to_neo())["spikes", "quiet"].size == 0
    assert file.stat().st_size > 0


def test_csv_times_are_free_of_the_noise_of_a_product() -> None:
    assert [exports.number(k * DT) for k in (3, 7, 10)] == ["0.3", "0.7", "1"]


# What is in the way


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_earlier_export_is_replaced_and_nothing_else(quiet, suffix, tmp_path) -> None:
    file, other = tmp_path / f"run{suffix}", tmp_path / f"thesis{suffix}"
    assert quiet.export(file) == quiet.export(file)
    other.write_bytes(b"chapter,one\n")
    with pytest.raises(ern.InvalidModel, match=rf"thesis{suffix} exists and was not written by an export"):
        quiet.export(other)
    assert other.read_bytes() == b"chapter,one\n"
    quiet.export(other, force=True)
    quiet.export(other)  # which now is an export


def test_no_file_of_a_csv_export_is_written_where_one_is_in_the_way(result, tmp_path) -> None:
    (tmp_path / "run.synapses.plastic.csv").write_text("mine")
    with pytest.raises(ern.InvalidModel, match=r"run\.synapses\.plastic\.csv exists"):
        result.export(tmp_path / "run.csv")
    assert [p.name for p in tmp_path.iterdir()] == ["run.synapses.plastic.csv"]


def test_a_folder_and_an_empty_file_are_no_exports(result, tmp_path) -> None:
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(ern.InvalidModel, match="is a folder"):
        result.export(tmp_path / "folder.npz")
    with pytest.raises(ern.InvalidModel, match=r"cannot write .*: File name too long"):
        result.export(tmp_path / f"{300 * 'a'}.npz")
    (tmp_path / "empty.npz").touch()
    with pytest.raises(ern.InvalidModel, match="exists"):
        result.export(tmp_path / "empty.npz")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("run.nixx", "did you mean .nix?"),
        ("run.NWB", "did you mean .nwb?"),
        ("run.h5", "there is: .csv, .npz, .nix, .nwb"),
        ("run", "none is not one"),
    ],
)
def test_an_unknown_ending_names_the_nearest(result, name, hint, tmp_path) -> None:
    with pytest.raises(ern.InvalidModel) as told:
        result.export(tmp_path / name)
    assert hint in str(told.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("call", "module"),
    [
        (lambda r, to: r.export(to / "a.nix"), "neo"),
        (lambda r, to: r.export(to / "a.nix"), "nixio"),
        (lambda r, to: r.export(to / "a.nwb"), "pynwb"),
        (lambda r, to: r.to_neo(), "neo"),
        (lambda r, to: r.to_xarray(), "xarray"),
        (lambda r, to: r.to_nwb(), "pynwb"),
    ],
)
def test_a_missing_library_is_one_sentence(result, call, module, monkeypatch, tmp_path) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ern.NotInstalled, match=rf"needs {module}: pip install 'ernsnn\[ecosystem\]'"):
        call(result, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("problem", [OSError("No space left on device"), RuntimeError("Unable to flush")])
def test_what_hdf5_cannot_write_leaves_the_old_file(quiet, problem, monkeypatch, tmp_path) -> None:
    [file] = quiet.export(tmp_path / "run.nwb")
    before = file.read_bytes()

    def failing(result):
        raise problem

    monkeypatch.setattr(exports, "to_nwb", failing)
    with pytest.raises(ern.InvalidModel, match=rf"cannot write .*run\.nwb: {problem}; what was there is untouched"):
        quiet.export(file)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_too_many_synapses_for_nix(monkeypatch, result, tmp_path) -> None:
    monkeypatch.setattr(exports, "MOST_NIX_ARRAYS", 20)
    with pytest.raises(ern.InvalidModel, match=r"11 neurons and 33 columns .*the probe plastic.a alone has 6"):
        result.export(tmp_path / "run.nix")
    assert list(tmp_path.iterdir()) == []


# The command


def test_command(result, tmp_path, capsys) -> None:
    result.save(tmp_path / "run")
    to = tmp_path / "out.npz"
    assert main(["export", str(tmp_path / "run"), "--to", str(to), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["files"] == [str(to)]
    assert told["spikes"] == sum(result.spike_counts.values())
    assert set(told["learned"]) == {"plastic", "kicks", "opens", "cells"}
    assert_same(read_npz(to), contents(result))
    write_file(to, "mine")
    assert main(["export", str(tmp_path / "run"), "--to", str(to)]) == 2
    assert "use force" in capsys.readouterr().err
    assert main(["export", str(tmp_path / "run"), "--to", str(to), "--force"]) == 0
    assert "8 probes, what plastic, kicks, opens, cells learned" in capsys.readouterr().out
    assert_same(read_npz(to), contents(result))
