"""``ernsnn bench``: what it measures, what it says of it, and that workers run the same network."""

from __future__ import annotations

import importlib.util
import json

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.benchmarks import membranes, side_by_side, single, worker
from ernsnn.benchmarks.cases import CASES
from ernsnn.cli import main
from ernsnn.describe.neurons import CLASSES

NEEDS = {"nest": "nest", "brian2-by-hand": "brian2"}
STATIC = ("sparse", "conductances", "adex", "short_term")


def bench(capsys, *words):
    code = main(["bench", *words, "--json"])
    out, err = capsys.readouterr()
    return code, json.loads(out) if out else None, err


def test_the_list_names_every_case(capsys):
    code, data, _ = bench(capsys)
    assert code == 0
    cases = {case["case"] for case in data["cases"]}
    assert set(CASES) | {"membranes", "kinds", "ca3", "loihi", "lowering", "sweep"} <= cases
    assert all(case["description"] for case in data["cases"])


def test_backends_beside_each_other(capsys):
    words = ["--neurons", "30", "--duration-ms", "60", "--backends", "native,reference", "--repeats", "1"]
    code, data, _ = bench(capsys, "plastic", *words)
    assert code == 0
    assert (data["case"], data["neurons"], data["synapses"], data["duration_ms"]) == ("plastic", 30, 900, 60)
    assert data["bandwidth_bytes_per_s"] > 0
    native, reference = data["backends"]["native"], data["backends"]["reference"]
    assert native["ratio"] == 1
    assert reference["ratio"] == pytest.approx(reference["run_s"] / native["run_s"], abs=0.02, rel=0.02)
    assert native["spikes"] == reference["spikes"]
    assert native["spikes"]["cells"] > 0
    assert reference["spikes_off"] == {"source": 0, "cells": 0}
    for figures in data["backends"].values():
        assert 0 < figures["run_s"] < figures["command_s"]
        assert min(figures["build_s"], figures["events_per_s"]) > 0
        assert figures["bytes_per_synapse"] >= 0  # so small a network may fit into what Python has already


@pytest.mark.parametrize("case", STATIC)
def test_networks_that_draw_no_noise_have_the_same_spikes_on_every_backend(capsys, case):
    words = ["--neurons", "50", "--duration-ms", "40", "--backends", "native,reference", "--repeats", "1"]
    code, data, err = bench(capsys, case, *words)
    assert (code, err, data["neurons"]) == (0, "", 50)
    assert data["synapses"] == pytest.approx(250, abs=75)
    native, reference = data["backends"]["native"], data["backends"]["reference"]
    assert native["spikes"]["cells"] > 10
    assert reference["spikes_off"] == {"cells": 0}


@pytest.mark.parametrize(
    ("case", "least_hz", "most_hz"),
    [("sparse", 5, 15), ("conductances", 15, 45), ("adex", 10, 35), ("short_term", 3, 15)],
)
def test_static_networks_of_400_fire_and_go_on_firing(case, least_hz, most_hz):
    times, _ = ern.run(CASES[case].build(400, 200.0), duration_ms=200, backend="native").spikes("cells")
    halves = [count / 400 / 0.1 for count in np.histogram(times, (0, 100, 200))[0]]
    assert all(least_hz < rate < most_hz for rate in halves)


def test_short_term_differs_from_sparse_by_what_excitatory_synapses_transmit():
    plain, depressing = (ern.lower(CASES[name].build(100, 1.0)) for name in ("sparse", "short_term"))
    (excites, inhibits), (depresses, same) = plain.projections, depressing.projections
    assert (same.short_term, depresses.short_term.kind.name) == (None, "TsodyksMarkram")
    assert depresses.short_term.parameters["U"] * depresses.weight.row(0, 0, 1) == excites.weight.row(0, 0, 1)
    assert same.weight.row(0, 0, 1) == inhibits.weight.row(0, 0, 1)
    assert plain.population("cells").parameters.keys() == depressing.population("cells").parameters.keys()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["plastik"], "bench: no case 'plastik'; did you mean 'plastic'?"),
        (["ca3", "--neurons", "3"], "bench: ca3 takes no --neurons"),
        (["loihi", "--backends", "native"], "bench: loihi takes no --backends"),
        (["plastic", "--backends", "nativ"], "nativ"),
        *((["plastic", "--duration-ms", t], f"must be a time in ms > 0, got '{t}'") for t in ("nan", "inf", "-1", "0")),
        (["sparse", "--neurons", "1000000000", "--backends", "native"], "take fewer --neurons"),
        (["plastic", "--duration-ms", "1e300", "--backends", "native"], "or a shorter --duration-ms"),
        (["plastic", "--duration-ms", "0.5", "--neurons", "10", "--backends", "native"], "0.5 ms is no multiple"),
        (["sparse", "--scale", "0.1"], "bench: sparse takes no --scale"),
        (["ca3", "--scale", "0.1"], "bench: ca3 takes no --scale"),
        (["microcircuit", "--scale", "0.1", "--neurons", "3"], "microcircuit takes no --scale beside --neurons"),
        (["microcircuit", "--scale", "0"], "must be a number > 0, got '0'"),
        (["microcircuit", "--scale", "1e-9", "--backends", "native"], "scale must be above 1/1065"),
        (["microcircuit", "--scale", "1e6", "--backends", "native"], "take fewer --neurons"),
        (["sparse", "--neurons", "1", "--duration-ms", "1", "--backends", "native"], "is empty"),
    ],
)
def test_what_it_refuses(capsys, words, message):
    code, data, err = bench(capsys, *words)
    assert (code != 0, data) == (True, None)
    assert message in err
    assert "Traceback" not in err


def test_a_contender_that_is_not_installed(capsys, monkeypatch):
    monkeypatch.setitem(worker.BY_HAND, "nest", "no_such_module")
    code, _, err = bench(capsys, "plastic", "--backends", "native,nest")
    assert (code, err) == (5, "ernsnn: no_such_module is not installed\n")
    assert side_by_side.available(["native", "nest"]) == ["native"]


def test_a_scale_is_a_part_of_the_full_network(capsys):
    words = ["--scale", "0.02", "--duration-ms", "20", "--backends", "native,nest", "--repeats", "1"]
    if importlib.util.find_spec("nest") is None:
        words[5] = "native"
    code, data, err = bench(capsys, "microcircuit", *words)
    assert (code, err) == (0, "")
    assert (data["case"], data["neurons"]) == ("microcircuit", 1543)
    assert data["synapses"] == pytest.approx(0.3e9 * 0.02**2, rel=0.01)
    for figures in data["backends"].values():
        assert list(figures["spikes"]) == ["L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I"]
        assert sum(figures["spikes"].values()) > 100
        assert min(figures["build_s"], figures["run_s"]) > 0


def test_ratios_are_those_of_rounds_and_the_first_round_does_not_count(monkeypatch):
    seconds = {"a": iter([100.0, 1.0, 2.0, 4.0]), "b": iter([1.0, 10.0, 10.0, 10.0])}

    def once(case, neurons, duration_ms, name, threads):
        same = {"spikes": {"cells": 10 if name == "a" else 11}, "events": 40.0, "moved_bytes": 8.0, "synapses": 4}
        return same | {"run_s": next(seconds[name]), "build_s": 1, "peak_bytes": 20, "command_s": 3, "digest": ""}

    monkeypatch.setattr(side_by_side, "once", once)
    monkeypatch.setattr(side_by_side, "bandwidth", lambda: 16.0)
    told = []
    data = side_by_side.hold(CASES["plastic"], 2, 1.0, ["a", "b"], 3, 1, told.append)
    a, b = data["backends"]["a"], data["backends"]["b"]
    assert (a["run_s"], a["run_s_all"], a["events_per_s"], a["bytes_per_synapse"]) == (2.0, [1.0, 2.0, 4.0], 20, 5.0)
    assert a["share_of_bandwidth"] == 0.25
    assert (b["ratio"], b["ratio_range"], b["spikes_off"]) == (5.0, [2.5, 10.0], {"cells": 0.1})
    assert (told[0], told[-1]) == (1 / 8, 1.0)


@pytest.mark.parametrize("name", ["plastic", "marked"])
def test_both_sides_fire_at_10_Hz_whatever_the_size(name):
    for neurons in (20, 60):
        result = ern.run(CASES[name].build(neurons, 2000.0), duration_ms=2000, backend="native")
        for population in ("source", "cells"):
            assert 8.5 < len(result.spikes(population)[0]) / neurons / 2 < 11.5


def test_visits_are_counted():
    graph = ern.lower(CASES["marked"].build(5, 10.0))
    assert worker._visited(graph, {"source": 2, "cells": 3}) == {"events": 25.0, "moved_bytes": 2 * 5 * 3 * 8}
    graph = ern.lower(CASES["sparse"].build(50, 1.0))
    synapses = graph.n_synapses
    visited = worker._visited(graph, {"cells": 50})
    assert visited == pytest.approx({"events": synapses * 1.0, "moved_bytes": synapses * 8.0})


@pytest.mark.parametrize(
    ("name", "case"),
    [
        *(("nest", case) for case in ("plastic", *STATIC, "microcircuit")),
        *(pytest.param("brian2-by-hand", case, marks=pytest.mark.slow) for case in CASES),
    ],
)
def test_networks_by_hand_do_nearly_what_ours_do(name, case):
    if importlib.util.find_spec(NEEDS[name]) is None:
        pytest.skip(f"{NEEDS[name]} is not installed")
    size = 1543 if case == "microcircuit" else 400
    ours = ern.run(CASES[case].build(size, 300.0), duration_ms=300.0, backend="native")
    theirs = side_by_side.once(CASES[case], size, 300.0, name, 1)
    cells = [population.name for population in ours.graph.neurons()]
    off = sum(theirs["spikes"][each] for each in cells) / sum(ours.spike_counts[each] for each in cells) - 1
    assert abs(off) < (0.06 if case in ("plastic", "marked") else 0.4)  # those of the others are drawn anew, and few
    assert min(theirs["run_s"], theirs["peak_bytes"]) > 0


@pytest.mark.slow
def test_lowering_and_its_columns(monkeypatch):
    monkeypatch.setattr(single, "timed", lambda function, repeats: [2.0] * repeats)
    rows = single.lowering(3)
    assert [row["median_s"] for row in rows] == [2.0] * 5
    assert rows[1]["bytes_per_synapse"] < 0.01 < rows[2]["bytes_per_synapse"]


@pytest.mark.slow
def test_ratios_of_neurons_are_to_currents_of_the_same_scheme(monkeypatch):
    monkeypatch.setattr(membranes, "STEPS", 3)
    rows = {row["what"]: row for row in membranes.membranes(3)}
    for name, row in rows.items():
        alike = rows[f"{name.split(',')[0]}, LIF, alike"]
        assert row["ratio"] == pytest.approx(row["ns"] / alike["ns"], abs=0.02, rel=0.02)
        assert 0 < row["min_ns"] <= row["ns"]
    assert len(rows) == 2 * 2 * len(membranes.LAYOUTS)


@pytest.mark.slow
def test_kinds_are_measured_in_steps_of_lif(monkeypatch) -> None:
    monkeypatch.setattr(membranes, "STEPS", 3)
    rows = {row["what"]: row for row in membranes.kinds(1)}
    assert rows.keys() == CLASSES.keys()
    assert rows["LIF"]["ratio"] == 1
    assert all(row["ns"] >= row["min_ns"] > 0 for row in rows.values())


@pytest.mark.slow
def test_the_memory_under_operations(monkeypatch):
    monkeypatch.setattr(single, "_OPERATIONS", 6)
    assert [(row["size"], row["right"]) for row in single.ca3(1)][:2] == [("16 x 16", 6), ("64 x 64", 6)]
