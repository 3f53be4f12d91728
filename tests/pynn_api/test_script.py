"""PyNN scripts: building, running in steps, reading and setting between runs."""

from __future__ import annotations

import os
import runpy
import signal
from pathlib import Path

import numpy as np
import pytest
from in_one_go import GoesOn, InOneGo
from rasters import raster

import ernsnn
from ernsnn.errors import UnsupportedOnBackend

sim = pytest.importorskip("ernsnn.pynn")
from pynn_scripts import network, trains  # noqa: E402 - needs PyNN

ROOT = Path(__file__).parents[2]
CA3 = runpy.run_path(str(ROOT / "examples" / "pynn_ca3_memory.py"))

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


# The CA3 memory, in SpiNNaker's convention


@pytest.mark.parametrize("backend", ["native", "loihi-emulator", "brian2"])
def test_the_ca3_memory_gives_the_published_raster(backend):
    expected = raster("published")
    bench, steps = expected.bench, expected.duration_ms
    for calls in (1, steps) if backend == "native" else (steps,):
        sim.setup(1.0, backend=backend, current_integration="step_average", convention="spinnaker")
        populations = CA3["build"](bench["cue"], bench["cont"])
        for _ in range(calls):
            sim.run(steps / calls)
        found = {name: trains(population) for name, population in populations.items()}
        sim.end()
        expected.assert_shown(found.__getitem__)


# Steps


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_a_thousand_runs_of_a_step_are_one_run(backend):
    duration = 1000 if backend == "native" else 150
    _, cells, forward = network(backend)
    sim.run(duration)
    spikes, weights = trains(cells), forward.get("weight", format="array")
    v = cells.get_data("v").segments[0].analogsignals[0].magnitude
    assert sum(map(len, spikes)) > 20
    _, cells, forward = network(backend)
    for step in range(duration):
        sim.run(1)
        if step % 10 == 0:
            forward.set(weight=forward.get("weight", format="array"))
    assert sim.get_current_time() == duration
    assert trains(cells) == spikes
    np.testing.assert_array_equal(forward.get("weight", format="array"), weights)
    np.testing.assert_array_equal(cells.get_data("v").segments[0].analogsignals[0].magnitude, v)


def scripted_changes(backend):
    """Change all that can be changed in a run; spikes and weights after it."""
    inputs, cells, forward = network(backend, seed=4)
    current = sim.StepCurrentSource(times=[20.0], amplitudes=[0.3])
    cells[0:3].inject(current)
    given = sim.Population(2, sim.SpikeSourceArray(spike_times=[[5.0, 60.0], [90.0]]))
    given.record("spikes")
    fixed = sim.Projection(given, cells[2:4], sim.OneToOneConnector(), sim.StaticSynapse(weight=20.0))
    sim.run(50)
    inputs[:6].set(rate=120.0)
    with pytest.warns(UserWarning, match=r"spike_times: times that were past .* at 50 ms, .* the first at 40 ms"):
        given[0:1].set(spike_times=[40.0, 55.0, 110.0])
    current.set_parameters(times=[70.0], amplitudes=[0.9])
    sim.run(30)
    cells.set(i_offset=0.3)
    fixed.set(weight=35.0)
    forward.set(weight=forward.get("weight", format="array") * 0.5)
    forward.set(A_plus=0.05)
    sim.run(60)
    assert trains(given) == [[5.0, 55.0, 110.0], [90.0]]
    return trains(inputs), trains(cells), forward.get("weight", format="array"), fixed.get("weight", "list")


def test_changes_in_a_run_act_from_then_on_everywhere():
    spikes, cells, weights, fixed = scripted_changes("native")
    assert sum(map(len, cells)) > 10
    assert fixed == [(0, 0, 35.0), (1, 1, 35.0)]
    for backend in ("reference", GoesOn()):
        again = scripted_changes(backend)
        assert (again[0], again[1], again[3]) == (spikes, cells, fixed)
        np.testing.assert_allclose(again[2], weights, rtol=1e-12)


@pytest.mark.slow
def test_changes_in_a_run_act_from_then_on_in_brian2():
    expected, found = scripted_changes("reference"), scripted_changes("brian2")
    assert (found[0], found[1], found[3]) == (expected[0], expected[1], expected[3])
    np.testing.assert_allclose(found[2], expected[2], atol=1e-9)


def test_what_runs_in_one_go_takes_inputs_and_refuses_the_rest():
    def script(backend):
        inputs, cells, forward = network(backend)
        sim.run(30)
        inputs.set(rate=150.0)
        sim.run(50)
        return inputs, cells, forward

    expected = trains(script("reference")[1])
    inputs, cells, forward = script(InOneGo())
    assert trains(cells) == expected
    assert len(trains(inputs)) == 12
    with pytest.raises(UnsupportedOnBackend, match=r"in-one-go runs in one go.*weights.*'native'.*'brian2'"):
        forward.set(weight=0.1)
    with pytest.raises(UnsupportedOnBackend, match="potentials and synaptic variables cannot be set"):
        cells.initialize(v=-60.0)
    cells.set(i_offset=0.5)
    with pytest.raises(UnsupportedOnBackend, match="parameters cannot be set"):
        sim.run(1)


def test_a_potential_that_is_set_in_a_run_is_the_one_of_now():
    for backend in ("native", "reference"):
        sim.setup(1.0, backend=backend)
        cells = sim.Population(2, sim.IF_curr_exp(tau_m=20.0))
        cells.record("v")
        sim.run(5)
        cells[1:2].initialize(v=-55.0)
        sim.run(1)
        v = cells.get_data().segments[0].analogsignals[0].magnitude
        np.testing.assert_allclose(v[-1], [-65.0, -65.0 + 10.0 * np.exp(-1 / 20)])


def test_reset_begins_a_segment_with_the_weights_of_the_start():
    _, cells, forward = network()
    sim.run(100)
    first = trains(cells)
    assert (forward.get("weight", format="array") != 0.5).any()
    sim.reset()
    assert sim.get_current_time() == 0
    np.testing.assert_array_equal(forward.get("weight", format="array"), np.full((12, 8), 0.5))
    sim.run(100)
    data = cells.get_data().segments
    assert [segment.name for segment in data] == ["segment000", "segment001"]
    assert [train.magnitude.tolist() for train in data[0].spiketrains] == first
    assert trains(cells) != first, "other Poisson spikes in another segment"


def test_what_ctrl_c_leaves_is_there_and_goes_on(monkeypatch):
    _, cells, _ = network()
    sim.run(60)
    whole = trains(cells)
    _, cells, _ = network()
    sim.run(1)
    engine = sim.simulator.state.under_way.engine
    advance = engine.advance

    def interrupted(t, stop, sources, recorder):
        if t == 25:
            os.kill(os.getpid(), signal.SIGINT)
        return advance(t, t + 1, sources, recorder)

    monkeypatch.setattr(engine, "advance", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sim.run(59)
    assert sim.get_current_time() == 26
    assert cells.get_data().segments[0].analogsignals[0].shape == (27, 8)
    monkeypatch.undo()
    sim.run_until(60)
    assert trains(cells) == whole


def test_cleared_data_are_gone_and_the_rest_goes_on():
    _, cells, _ = network()
    sim.run(100)
    whole = trains(cells)
    _, cells, _ = network()
    sim.run(40)
    early = cells.get_data(clear=True).segments[0]
    sim.run(60)
    late = cells.get_data().segments[0]
    assert [[*a.magnitude, *b.magnitude] for a, b in zip(early.spiketrains, late.spiketrains, strict=True)] == whole
    assert early.analogsignals[0].shape == (41, 8)
    assert late.analogsignals[0].shape == (61, 8)
    assert float(late.analogsignals[0].t_start) == 40.0


def test_samples_after_clearing_have_their_own_times():
    sim.setup(1.0)
    cells = sim.Population(2, sim.IF_curr_exp(i_offset=0.1))
    cells.record("v", sampling_interval=2.0)
    sim.run(5)
    cells.get_data(clear=True)
    sim.run(5)
    late = cells.get_data().segments[0].analogsignals[0]
    assert late.times.rescale("ms").magnitude.tolist() == [6.0, 8.0, 10.0]


def test_a_script_may_end_a_record():
    _, cells, _ = network()
    sim.run(30)
    cells.get_data(clear=True)
    cells.record(None)
    cells.record("spikes")
    cells.set(i_offset=1.0)
    sim.run(70)
    segment = cells.get_data().segments[0]
    assert not segment.analogsignals
    assert min(t for train in segment.spiketrains for t in train.magnitude) >= 30.0


def test_segments_of_one_seed_are_not_first_ones_of_others():
    seen = []
    for seed in (0, 1):
        inputs, _, _ = network(seed=seed)
        for _ in range(2):
            sim.run(200)
            seen.append(trains(inputs))
            sim.reset()
    assert all(a != b for k, a in enumerate(seen) for b in seen[:k])


# What a script describes, and what ernsnn is told


def test_a_script_is_the_network_that_it_describes():
    """Marks and an astrocyte: the same as a network of ernsnn's own."""
    sim.setup(1.0, backend="reference", convention="spinnaker", seed=2)
    times = [[float(t) for t in range(3 + i, 400, 7 + i)] for i in range(6)]
    inputs = sim.Population(6, sim.SpikeSourceArray(spike_times=times), label="inputs")
    cells = sim.Population(4, sim.IF_curr_exp(cm=0.3, tau_refrac=1.0), label="cells")
    glia = sim.Astrocyte([cells, inputs[2:5]], tau_ms=50.0, threshold=2.0, label="glia")
    glia.record("C")
    made = [
        sim.marks.Labile("a", tau_s=0.5, rise=0.3),
        sim.marks.Stable("m", tau_s=1.0, consolidated_by="P", tag="a"),
    ]
    rule = sim.SpikePairRule(tau_plus=20.0, tau_minus=20.0, A_plus=0.05, A_minus=0.03)
    bounds = sim.AdditiveWeightDependence(w_min=0.0, w_max=1.0)
    synapse = sim.MarkedSTDP(rule, bounds, marks=made, third_factors={"P": glia}, epoch_ms=10.0, weight=0.6, delay=1.0)
    plastic = sim.Projection(inputs, cells, sim.AllToAllConnector(), synapse, label="plastic")
    cells.record("spikes")
    assert plastic.get("m", format="array").tolist() == np.zeros((6, 4)).tolist()
    sim.run(400)

    net = ernsnn.Network(dt_ms=1.0)
    a = net.population("inputs", 6, ernsnn.SpikeTimes(times))
    b = net.population("cells", 4, ernsnn.LIF(cm_nF=0.3, tau_refrac_ms=1.0))
    astrocyte = net.astrocyte("glia", [b, a[2:5]], tau_ms=50.0, threshold=2.0)
    learning = ernsnn.stdp.pair(A_plus=0.05, A_minus=0.03, w_max=1.0, marks=made, epoch_ms=10.0)
    net.projection("plastic", a, b, weight_nA=0.6, learning=learning, third_factors={"P": astrocyte})
    net.probe(astrocyte, "C")
    result = ernsnn.run(net, duration_ms=400, backend="reference")

    assert trains(cells) == result.trains("cells")
    assert sum(map(len, trains(cells))) > 20
    for name, variable in (("weight", "w"), ("a", "a"), ("m", "m")):
        np.testing.assert_array_equal(plastic.get(name, format="array"), result.weights("plastic", variable))
    assert plastic.get("m", format="array").max() > 0.01
    signal = glia.get_data().segments[0].analogsignals[0]
    np.testing.assert_array_equal(signal.magnitude, result.signal("glia", "C")[1])


def test_labels_may_repeat_and_have_any_letters():
    sim.setup(1.0)
    first = sim.Population(1, sim.IF_curr_exp(i_offset=2.0), label="Zellen / 1")
    second = sim.Population(1, sim.IF_curr_exp(i_offset=1.0), label="Zellen / 1")
    for population in (first, second):
        population.record("spikes")
    sim.run(50)
    assert len(trains(first)[0]) > len(trains(second)[0]) > 0
