"""Series that neurons share are held once, mean the same on every backend, and leave other digests as they are."""

from __future__ import annotations

import numpy as np
import pytest
from alike import assert_alike
from peak import peak_bytes

import ernsnn as ern
from ernsnn.backend.registry import get_backend
from ernsnn.graph import values
from ernsnn.graph.graph import Graph, Injected
from ernsnn.graph.lower import lower
from ernsnn.graph.values import Shared, columns_of

STEPS, CHANGES = 60, 30
TIMES = np.arange(CHANGES) * 2.0
EACH = np.random.default_rng(5).uniform(0, 2, (9, 5))
WAVE = np.random.default_rng(4).uniform(0.0, 1.0, (CHANGES, 3))


def driven(modulators=True):
    """Currents, rates and signals of one series for all, of some for groups, of one for each, and sums of them."""
    net = ern.Network(dt_ms=1.0)
    noise = net.population(
        "noise", 8, ern.Poisson(ern.Schedule(TIMES + 1, 400 * WAVE[:, 0]), at_most_one=not modulators)
    )
    groups = net.population(
        "groups", 6, ern.Poisson(ern.Schedule(TIMES, 500 * WAVE, [0, 1, 2, 2, 1, 0]), at_most_one=not modulators)
    )
    a = net.population("a", 7, ern.LIF())
    b = net.population("b", 5, ern.LIF(tau_m_ms=[10.0, 11.0, 12.0, 13.0, 14.0]))
    net.inject(a, ern.CurrentSteps(times_ms=TIMES, amplitudes_nA=WAVE[:, 1]))
    net.inject(a[2:6], ern.Schedule(TIMES + 3, 2 * WAVE[:, :2], [1, 0, 1, 1]))
    net.inject(b, ern.Schedule(TIMES[:9], EACH))
    for source in (noise, groups):
        net.projection(f"{source.name}-a", source, a, weight_nA=0.4)
    for cells in (a, b):
        net.probe(cells, "v_mV")
    if modulators:
        reward = net.signal("reward", ern.Schedule(TIMES, WAVE, [2, 0, 1, 1, 0, 2, 2]))
        net.modulate(a, reward, "i_offset_nA", gain=0.5)
        glia = net.calcium_astrocyte(
            "glia", [a], per="neuron", transmitter_uM=ern.Schedule(TIMES, 2 * WAVE[:, 0]), release_uM=10
        )
        net.probe(reward, "value")
        net.probe(glia, "C")
    return net


@pytest.fixture
def always(monkeypatch):
    """Share from the first number saved on."""
    monkeypatch.setattr(values, "_WORTH_SHARING", 1)


def written_out(net):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(values, "_WORTH_SHARING", 1 << 60)
        return lower(net, 3)


def series_of(graph: Graph):
    yield from (i.values for i in graph.injections)
    yield from (s.spikes.probabilities for s in graph.sources())
    yield from (m.values for m in graph.modulators)


@pytest.mark.parametrize(
    ("backend", "options"),
    [("reference", {}), ("native", {"precision": "float64"}), ("brian2", {"target": "numpy"}), ("nest", {})],
)
def test_shared_series_are_the_same_problem(backend, options, always):
    if (missing := get_backend(backend).missing()) is not None:
        pytest.skip(missing)
    net = driven(modulators=backend != "nest")
    shared, whole = lower(net, 3), written_out(net)
    assert [isinstance(s, Shared) for s in series_of(shared)] == [
        True,
        True,
        False,
        *[True] * (len([*series_of(shared)]) - 3),
    ]
    assert not any(isinstance(s, Shared) for s in series_of(whole))
    for ours, theirs in zip(series_of(shared), series_of(whole), strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_array_equal([ours[k] for k in range(len(ours))], theirs)
        np.testing.assert_array_equal(ours[3:7], theirs[3:7])
    found, expected = (ern.run(g, duration_ms=STEPS, backend=backend, **options).recording for g in (shared, whole))
    assert sum(len(steps) for steps, _ in expected.spikes.values()) > 100
    for key, array in expected.to_arrays().items():
        np.testing.assert_array_equal(found.to_arrays()[key], array, err_msg=key)
    assert_alike(found, ern.run(whole, duration_ms=STEPS, backend="reference").recording)


def test_a_saved_graph_holds_each_series_once(always, tmp_path):
    graph = lower(driven(), 3)
    loaded = ern.load_graph(ern.save_graph(graph, tmp_path / "graph"))
    assert loaded.digest == graph.digest != written_out(driven()).digest
    assert loaded.injections[1].values.columns.shape == (CHANGES, 2)
    assert loaded.injections[1].values.of.tolist() == [1, 0, 1, 1]
    found, expected = (
        ern.run(g, duration_ms=STEPS, backend="reference").recording.to_arrays() for g in (loaded, graph)
    )
    for key, array in expected.items():
        np.testing.assert_array_equal(found[key], array)


def test_small_series_are_written_out_and_keep_their_digests():
    assert lower(driven(), 3).digest == written_out(driven()).digest


def test_one_current_for_many_cells_takes_memory_for_one():
    """4,000 cells for 4 s at 0.1 ms were 1.3 GB, four times over."""
    net, steps = ern.Network(dt_ms=0.1), 40_000
    cells = net.population("cells", 4000, ern.LIF())
    net.inject(cells, ern.Schedule(np.arange(steps) * 0.1, np.sin(np.arange(steps))))
    net.population("noise", 4000, ern.Poisson(ern.Schedule(np.arange(steps) * 0.1, 100 * (np.arange(steps) % 2))))
    graph, peak = peak_bytes(lambda: (made := lower(net), made.digest)[0])
    [injected] = graph.injections
    assert injected.values.columns.nbytes == 8 * steps
    assert peak < 40 * 8 * steps
    found, peak = peak_bytes(lambda: graph.population("noise").spikes.expected(0, steps))
    assert found == pytest.approx(4000 * 0.01 * steps / 2)
    assert peak < 10 * 8 * steps


def test_programs_hold_each_series_once(always):
    graph = lower(driven(modulators=False), 3)
    for backend in ("brian2", "nest"):
        arrays = (
            get_backend(backend)
            .compile(graph, 5, **({"target": "numpy"} if backend == "brian2" else {}))
            .files["arrays.npz"]
        )
        if backend == "brian2":  # a: column 1, alone and with either of two; b: one each; 2 + 1 + 5
            assert arrays["tables/cells_current"].shape[1] == 8
        else:
            assert arrays["injected/1/values"].shape == (CHANGES, 2)
            assert arrays["injected/1/of"].tolist() == [1, 0, 1, 1]


def test_columns_that_do_not_fit_are_refused():
    for given in ([0, 3], [0, -1], [0.5, 1.0], [[0, 1]]):
        with pytest.raises(ern.InvalidModel, match=r"Schedule\.columns: needs a whole number from 0 to 2 for each"):
            ern.Schedule(TIMES, WAVE, given)
    with pytest.raises(ern.InvalidModel, match=r"Schedule\.columns: needs values \(times, columns\), got shape"):
        ern.Schedule(TIMES, WAVE[:, 0], [0, 0])
    net = ern.Network()
    with pytest.raises(ern.InvalidModel, match=r"s\.rate_hz: needs one number or 4, got an array of shape \(3,\)"):
        net.population("s", 4, ern.Poisson(ern.Schedule(TIMES, WAVE, [0, 1, 2])))
    cells = net.population("cells", 2, ern.LIF())
    with pytest.raises(ern.InvalidModel, match=r"current injected into cells.*: needs one number or 2"):
        net.inject(cells, ern.Schedule(TIMES, WAVE, [0, 1, 2]))


def test_rates_that_cannot_be_are_told_of_shared_ones_too():
    net = ern.Network(dt_ms=1.0)
    net.population("s", 3, ern.Poisson(ern.Schedule([0.0], [[10.0, 1001.0]], [0, 0, 1]), at_most_one=True))
    with pytest.raises(ern.InvalidModel, match=r"s\.rate_hz: 1001\.0 Hz is more than one spike in a step"):
        lower(net)


def test_what_an_injection_means_is_found_for_both_forms():
    columns, of = np.arange(6.0).reshape(2, 3), np.array([2, 2, 0])
    for series in (Shared(columns, of), columns[:, of]):
        injected = Injected(ern.graph.graph.Member("a", 0, 3), np.array([0, 4]), series)
        stored, index = columns_of(injected.values)
        np.testing.assert_array_equal(stored[:, index], columns[:, of])
