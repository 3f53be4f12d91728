"""Compiled kernels on given networks: triplets, marks, sparse and holed connectivity, and what float32 costs."""

from __future__ import annotations

import numpy as np
import pytest
from alike import assert_alike

import ernsnn as ern
from ernsnn.backend.registry import get_backend
from ernsnn.backend.state import restore, state_of
from ernsnn.hardware_backends.native import plastic
from ernsnn.hardware_backends.native.engine import Engine

STEPS = 400
N = 12


def pool(connector, *, learning, marked=False, seed=1):
    """A driven, plastic, recurrent pool, lively enough for some hundred pairings a synapse."""
    rng = np.random.default_rng(seed)
    net = ern.Network(dt_ms=1.0)
    times = [np.flatnonzero(rng.random(STEPS) < 0.05).tolist() for _ in range(N)]
    source, cells = net.population("source", N, ern.SpikeTimes(times)), net.population("cells", N, ern.LIF(cm_nF=0.2))
    net.projection("drive", source, cells, ern.OneToOne(), weight_nA=2.0)
    third = {"P": net.astrocyte("glia", [cells], tau_ms=200, threshold=3.0)} if marked else {}
    options = {"weight_nA": ern.Uniform(0.05, 0.2), "delay_ms": 2.0, "learning": learning, "third_factors": third}
    net.projection("learns", cells, cells, connector, **options)
    return ern.lower(net, seed)


def pair(**options):
    return ern.stdp.pair(A_plus=0.01, A_minus=0.012, w_max=0.3, **options)


def marks():
    labile = ern.marks.Labile("a", tau_s=0.2, rise=0.3)
    stable = ern.marks.Stable("m", tau_s=1.0, consolidated_by="P", tag="a", rate_per_s=20, budget=0.05)
    return pair(marks=[labile, stable], epoch_ms=20)


def run(backend, graph, **options):
    return get_backend(backend).run(graph, STEPS, lambda fraction: None, **options)


CASES = {
    "all to all": (ern.AllToAll(), pair(), False),
    "all but self": (ern.AllToAll(self_connections=False), pair(), False),
    "sparse": (ern.FixedProbability(0.4), pair(), False),
    "triplet": (ern.AllToAll(), ern.stdp.triplet(A2_plus=0.005, A3_plus=0.01, A2_minus=0.007, w_max=0.3), False),
    "marks": (ern.AllToAll(), marks(), True),
}


@pytest.mark.parametrize("case", CASES)
def test_float64_is_the_reference(case):
    connector, learning, marked = CASES[case]
    graph = pool(connector, learning=learning, marked=marked)
    expected = run("reference", graph)
    assert_alike(run("native", graph, precision="float64"), expected)
    moved = expected.synapses["learns"]["w"] - graph.projections[1].synapses.variables["w"]
    assert np.abs(moved).max() > 0.01
    assert not marked or expected.synapses["learns"]["m"].max() > 0


@pytest.mark.parametrize(("precision", "worth"), [("float32", 1), ("float64", 1), ("float64", 3 * N)])
@pytest.mark.parametrize("case", CASES)
def test_any_number_of_threads_gives_the_same_bits(case, precision, worth, monkeypatch):
    """Where all steps are worth sharing, and where some are."""
    monkeypatch.setattr(plastic, "WORTH_SHARING", worth)
    monkeypatch.setattr(plastic, "WORTH_SHARING_COLUMNS", worth)
    connector, learning, marked = CASES[case]
    graph = pool(connector, learning=learning, marked=marked)
    one, two, three = (run("native", graph, precision=precision, threads=n) for n in (1, 2, 3))
    for other in (two, three):
        assert one.to_arrays().keys() == other.to_arrays().keys()
        for name, array in one.to_arrays().items():
            assert array.tobytes() == other.to_arrays()[name].tobytes(), name
    moved = one.synapses["learns"]["w"] - graph.projections[1].synapses.variables["w"]
    assert np.abs(moved).max() > 0.01


@pytest.mark.parametrize("case", ["all to all", "sparse", "triplet"])
def test_threads_that_go_on_in_the_midst_of_a_log(case, monkeypatch):
    """Which post spikes are whose is not part of the state: it is found again, for any number of threads."""
    monkeypatch.setattr(plastic, "WORTH_SHARING", 1)
    monkeypatch.setattr(plastic, "WORTH_SHARING_COLUMNS", 1)
    connector, learning, _ = CASES[case]
    graph = pool(connector, learning=learning)
    whole, results = Engine(graph, "float64"), []
    for t in range(300):
        whole.step(t, drive(t))
    for before, after in ((1, 3), (3, 2), (2, 1)):
        first, second = (Engine(graph, "float64", threads=n) for n in (before, after))
        for t in range(150):
            first.step(t, drive(t))
        assert first.plastic[0].rows[0].now[0] > 100
        restore(second, {name: array.copy() for name, array in state_of(first).items()})
        for t in range(150, 300):
            second.step(t, drive(t))
        results.append(second.final_values())
    expected = whole.final_values()
    moved = next(iter(expected.values())) - graph.projections[1].synapses.variables["w"]
    assert np.abs(moved).max() > 0.01
    for values in results:
        for name, array in expected.items():
            assert array.tobytes() == values[name].tobytes(), name


def drive(t: int) -> dict[str, np.ndarray]:
    """Spikes of the sources in a step."""
    return {"source": np.flatnonzero(np.random.default_rng(t).random(N) < 0.05)}


def test_no_threads_at_all():
    with pytest.raises(ern.InvalidModel, match="threads must be a whole number from 1 to 1024, got 0"):
        run("native", pool(ern.AllToAll(), learning=pair()), threads=0)


@pytest.mark.parametrize("case", ["all to all", "sparse", "triplet"])
def test_float32_rounds_each_change_to_7_digits(case):
    """Where the same spikes meet a synapse, its weight is off by at most half a unit in the last place an event."""
    connector, learning, _ = CASES[case]
    graph = pool(connector, learning=learning)
    found, expected = run("native", graph, precision="float32"), run("native", graph, precision="float64")
    for k in (0, 1):
        np.testing.assert_array_equal(found.spikes["cells"][k], expected.spikes["cells"][k])
    spikes = np.bincount(expected.spikes["cells"][1], minlength=N)
    events = 2 * spikes.max()
    off = np.abs(found.synapses["learns"]["w"] - expected.synapses["learns"]["w"])
    assert found.synapses["learns"]["w"].dtype == np.float32
    assert 0 < off.max() < 2 * events * 2**-24 * 0.3  # the sum is rounded, and what is added to it


def test_a_rule_is_compiled_once_whatever_its_numbers():
    kernels = []
    for A_plus in (0.01, 0.02):
        rule = ern.stdp.pair(A_plus=A_plus, A_minus=A_plus, w_max=1.0)
        graph = pool(ern.AllToAll(), learning=rule)
        from ernsnn.hardware_backends.native.engine import Engine

        kernels.append(Engine(graph, "float64").plastic[0].rows[0].rule.kernels)
    assert kernels[0] is kernels[1]
