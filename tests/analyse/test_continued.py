"""A run that goes on from another: every reader has the clock of the whole, and what is counted adds up to it."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.report import page
from ernsnn.result import Result

FIRST, ALL = 53, 150
"""Steps of the first part, and of both."""


def network(dt: float) -> ern.Network:
    """Learning synapses and thresholds, epochs that the break cuts, a freeze across it, probes of all kinds."""
    net = ern.Network(dt_ms=dt, name="continued")
    source = net.population("source", 20, ern.Poisson(15.0 / dt))
    mark = ern.marks.Labile("a", tau_s=1, rise=0.1)
    rule = ern.stdp.pair(A_plus=0.02, A_minus=0.01, w_max=2.0, marks=[mark], epoch_ms=7 * dt)
    up = ern.LearningRule(
        terms=[ern.Term("w", "post", 0.5), ern.Term("w", "epoch", -0.1)],
        bounds={"w": (-55, -40)},
        epoch_ms=5 * dt,
    )
    plasticity = ern.IntrinsicPlasticity(target="v_threshold_mV", rule=up)
    cells = net.population("cells", 10, ern.LIF(v_threshold_mV=-54), plasticity=plasticity)
    net.astrocyte("glia", [cells], tau_ms=50, threshold=2)
    learns = net.projection("learns", source, cells, weight_nA=1.0, learning=rule)
    net.projection("static", source, cells, ern.FixedProbability(0.5), weight_nA=1.0)
    net.probe(cells, "v_mV", every_ms=3 * dt)
    net.probe(learns, "w", every_ms=11 * dt)
    net.freeze(35 * dt, 70 * dt)
    return net


@pytest.fixture(
    scope="module",
    params=[("native", 1.0), ("native", 0.35), ("reference", 0.1), ("reference", 1 / 3), ("brian2", 0.1)],
    ids=lambda param: f"{param[0]} {param[1]:.3g}",
)
def runs(request, tmp_path_factory) -> tuple[Result, Result, Result]:
    """The first part, the second, and both in one."""
    backend, dt = request.param
    options = {"backend": backend, **({"target": "numpy"} if backend == "brian2" else {})}
    whole = ern.run(network(dt), duration_ms=ALL * dt, **options)
    first = ern.run(network(dt), duration_ms=FIRST * dt, **options)
    out = tmp_path_factory.mktemp("runs") / "second"
    return first, ern.run(network(dt), duration_ms=(ALL - FIRST) * dt, start=first, out=out), whole


def test_times_are_those_of_the_whole(runs) -> None:
    _, second, whole = runs
    dt = whole.graph.dt_ms
    assert (second.start_ms, second.duration_ms) == (pytest.approx(FIRST * dt), pytest.approx((ALL - FIRST) * dt))
    for name, (steps, neurons) in whole.recording.spikes.items():
        late = steps >= FIRST
        assert late.any()
        assert np.array_equal(second.recording.spikes[name][0], steps[late])
        assert np.array_equal(second.spikes(name)[1], neurons[late])
    for key, (steps, values) in whole.recording.signals.items():
        assert np.array_equal(second.recording.signals[key][0], steps[steps >= FIRST])
        assert np.allclose(second.recording.signals[key][1], values[steps >= FIRST], rtol=1e-5)


def test_what_is_counted_and_paid_adds_up(runs) -> None:
    first, second, whole = runs
    parts = [result.metrics().counts.totals for result in (first, second)]
    totals = whole.metrics().counts.totals
    assert {what: parts[0][what] + parts[1][what] for what in totals} == pytest.approx(totals)
    assert totals["learning_update"] > 0
    # On one core each, so that packets are counted, too.
    cores = {p.name: np.arange(p.size) for p in whole.graph.neurons()}
    spent = [result.energy(cores=cores).estimates for result in runs]
    assert len(spent[2]) > 3
    for name, estimate in spent[2].items():
        assert np.add(spent[0][name].priced_J, spent[1][name].priced_J) == pytest.approx(estimate.priced_J)
    assert any(estimate.priced_J[1] > 0 for estimate in spent[2].values())


def test_exports_have_the_same_clock(runs, tmp_path: Path) -> None:
    _, second, whole = runs
    dt = whole.graph.dt_ms
    second.export(tmp_path / "x.csv")
    with (tmp_path / "x.csv").open() as file:
        rows = list(csv.DictReader(file))
    for name in ("source", "cells"):
        written = [float(row["time_ms"]) for row in rows if row["population"] == name]
        assert written == pytest.approx(second.spikes(name)[0], abs=1e-8)
        assert min(written) >= FIRST * dt - 1e-8
    with (tmp_path / "x.signals.cells.v_mV.csv").open() as file:
        times = [float(row[0]) for row in list(csv.reader(file))[1:]]
    assert times == pytest.approx(second.signal("cells", "v_mV")[0], abs=1e-8)
    second.export(tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz") as file:
        assert file["start_ms"] == pytest.approx(FIRST * dt)
        assert file["spikes/cells/time_ms"] == pytest.approx(second.spikes("cells")[0])


def test_objects_of_other_libraries_have_the_same_clock(runs) -> None:
    for library in ("neo", "xarray", "pynwb"):
        pytest.importorskip(library)
    _, second, whole = runs
    dt, times = whole.graph.dt_ms, second.spikes("cells")[0]
    trains = second.to_neo().segments[0].spiketrains
    assert {round(float(train.t_start), 9) for train in trains} == {round(FIRST * dt, 9)}
    assert {round(float(train.t_stop), 9) for train in trains} == {round(ALL * dt, 9)}
    assert second.to_xarray()["spikes_cells"].to_numpy() == pytest.approx(times)
    units = second.to_nwb().units
    assert units["obs_intervals"][0][0] == pytest.approx([FIRST * dt / 1000, ALL * dt / 1000])
    found = np.concatenate([units["spike_times"][k] for k in range(len(units)) if units["population"][k] == "cells"])
    assert np.sort(found) == pytest.approx(np.sort(times) / 1000)


def test_activity_is_that_of_the_part(runs) -> None:
    _, second, whole = runs
    bin_ms = 4 * whole.graph.dt_ms
    from_zero = dataclasses.replace(second.recording.from_zero(), first_step=0)
    moved = Result(second.graph, from_zero).metrics(bin_ms).activity
    assert second.metrics(bin_ms).activity == moved
    assert [a.spikes for a in moved] == [len(second.spikes(name)[0]) for name in ("source", "cells")]


def test_comparisons_and_pages_name_the_time_of_the_whole(runs) -> None:
    first, second, whole = runs
    with pytest.raises(ern.InvalidModel, match=r"the results last \d+ steps .* and \d+ steps"):
        ern.compare(first, second)
    spikes = {name: (steps[1:], neurons[1:]) for name, (steps, neurons) in second.recording.spikes.items()}
    missing = Result(second.graph, dataclasses.replace(second.recording, spikes=spikes))
    divergence = ern.compare(second, missing).first_divergence
    assert divergence is not None
    assert divergence.step >= FIRST
    assert divergence.time_ms == pytest.approx(divergence.step * whole.graph.dt_ms)
    assert f"to {ALL * whole.graph.dt_ms:.3g} ms" in page(second)
