"""``Network.with_values``: the same network with other numbers."""

from __future__ import annotations

import numpy as np
import pytest
from engines import run
from random_networks import STEPS, Draw

import ernsnn as ern


def small(connector: object = None, **how: object) -> ern.Network:
    net = ern.Network(name="small")
    inputs = net.population("in", 4, ern.SpikeTimes([[1, 5, 9], [2, 6], [3, 7, 8], [4]]))
    cells = net.population("cells", 4, ern.LIF(tau_m_ms=10, v_rest_mV=-65, v_threshold_mV=ern.Uniform(-64, -60)))
    how = {"weight_nA": ern.Uniform(0.5, 3.0), **how}
    net.projection("see", inputs, cells, connector, **how)
    net.probe(cells, "v_mV")
    return net


def alike(a, b) -> None:
    """Spikes, signals and final values are the same."""
    assert {k: [x.tolist() for x in v] for k, v in a.spikes.items()} == {
        k: [x.tolist() for x in v] for k, v in b.spikes.items()
    }
    for name, (_, values) in a.signals.items():
        np.testing.assert_array_equal(values, b.signals[name][1], err_msg=name)
    for name, variables in a.synapses.items():
        for variable, values in variables.items():
            np.testing.assert_array_equal(values, b.synapses[name][variable], err_msg=f"{name}.{variable}")


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("backend", ["reference", "native"])
def test_with_its_own_values_a_random_network_runs_as_before(seed, backend):
    net = Draw(seed).net
    graph = ern.lower(net, 3)
    same = net.with_values(graph.values, seed=3)
    alike(run(backend, graph, STEPS), run(backend, ern.lower(same, 3), STEPS))
    again = ern.lower(same, 8).values
    for path, value in graph.values.items():
        np.testing.assert_allclose(again[path], value, rtol=1e-14, err_msg=path)


@pytest.mark.parametrize(
    "connector",
    [
        ern.FixedProbability(0.6),
        ern.FixedProbability(0.6, self_connections=False),
        ern.FixedInDegree(2),
        ern.FixedTotalNumber(9),
        ern.FixedTotalNumber(9, replace=False, self_connections=False),
    ],
)
def test_drawn_synapses_stay_under_every_seed(connector):
    net = small(connector, delay_ms=ern.Uniform(1, 4))
    graph = ern.lower(net, 5)
    [before] = graph.projections
    weights = np.arange(1.0, before.n_synapses + 1)
    new = net.with_values({"see.w": weights}, seed=5)
    for seed in (5, 6):
        [after] = ern.lower(new, seed).projections
        np.testing.assert_array_equal(after.synapses.pre, before.synapses.pre)
        np.testing.assert_array_equal(after.synapses.post, before.synapses.post)
        np.testing.assert_array_equal(after.synapses.delay, before.synapses.delay)
        np.testing.assert_array_equal(after.synapses.variables["w"], weights)
    twice = new.with_values({"see.w": weights + 1})  # of the synapses that it has, whatever the seed
    np.testing.assert_array_equal(ern.lower(twice, 1).projections[0].synapses.post, before.synapses.post)


def test_a_count_of_drawn_synapses_that_is_not_theirs():
    net = small(ern.FixedProbability(0.6))
    n = ern.lower(net, 2).n_synapses
    new = net.with_values({"see.w": np.ones(n + 1)}, seed=2)
    with pytest.raises(
        ern.InvalidModel, match=rf"see.weight_nA: {n + 1} values for the {n} synapses that seed 2 draws"
    ):
        ern.lower(new, 2)


@pytest.mark.parametrize(
    "connector",
    [
        None,
        ern.AllToAll(self_connections=False),
        ern.OneToOne(),
        ern.FromList([(3, 1), (0, 2), (0, 0), (3, 1), (2, 2)]),
        ern.FixedProbability(0.7),
    ],
)
def test_weights_in_the_order_of_the_synapses_and_as_a_matrix(connector):
    net = small(connector)
    rows = ern.lower(net).projections[0].synapses
    matrix = np.arange(1.0, 17).reshape(4, 4)
    each = matrix[rows.pre, rows.post]
    for given in (each, matrix):
        now = ern.lower(net.with_values({"see.w": given})).projections[0].synapses
        np.testing.assert_array_equal(now.variables["w"], each)
        np.testing.assert_array_equal((now.pre, now.post), (rows.pre, rows.post))


def test_the_order_of_a_result():
    """``Recording.synapses`` of a run can be given back."""
    rule = ern.stdp.pair(A_plus=0.1, A_minus=0.05, w_max=5.0)
    net = small(ern.FromList([(3, 1), (0, 2), (0, 0), (2, 2)]), weight_nA=2.0, learning=rule)
    learnt = ern.run(net, duration_ms=20, backend="reference")
    final = learnt.recording.synapses["see"]["w"]
    assert len(set(final.tolist())) > 1
    new = net.with_values({"see.w": final})
    np.testing.assert_array_equal(ern.lower(new).values["see.w"], final)


def test_every_part_of_a_network():
    net = small(short_term=ern.TsodyksMarkram(U=0.5, tau_rec_ms=100.0))
    cells = net.populations["cells"]
    rates = net.population("rates", 2, ern.Poisson(20.0))
    mark = ern.Mark("m", initial=0.25)
    rule = ern.LearningRule.from_equations(
        traces={"x": ern.Trace("pre", 20)}, on_post={"w": "0.01*x*(1 - m)*G"}, marks=[mark], third_factors=["G"]
    )
    glia = net.astrocyte("glia", [cells], tau_ms=30.0, threshold=1.0)
    gate = net.gate("gate", opens={glia: 2.0})
    net.projection("learn", rates, cells[1:3], weight_nA=0.5, learning=rule, third_factors={"G": gate})
    net.poisson_input("noise", cells, rate_hz=100.0, weight_nA=0.1)
    net.modulate(cells, glia, "i_offset_nA", gain=0.1)
    net.inject(cells[0:2], ern.Schedule([3.0], [0.2]))
    net.probe(glia, "C")
    new = net.with_values(
        {
            "cells.tau_m_ms": "12 ms",
            "cells.v_threshold_mV": [-62.0, -61.0, -60.0, -59.0],
            "cells.v_min_mV": -80.0,
            "in.times_ms": [[2.0], [], [], []],
            "rates.rate_hz": [5.0, 6.0],
            "learn.m": [0.1, 0.2, 0.3, 0.4],
            "learn.w": ern.Uniform(0.1, 0.2),
            "see.delay_ms": 3.0,
            "see.short_term.U": [0.1, 0.2, 0.3, 0.4],
            "noise.w": 0.3,
            "noise.rate_hz": 50.0,
            "noise.n": 7,
            "glia.tau_ms": 40.0,
        }
    )
    graph, before = ern.lower(new), ern.lower(net)
    assert graph.digest != before.digest
    values = graph.values
    assert values["cells.tau_m_ms"] == 12.0
    assert values["cells.v_threshold_mV"].tolist() == [-62, -61, -60, -59]
    assert values["cells.v_min_mV"] == -80.0
    assert values["learn.m"].tolist() == [0.1, 0.2, 0.3, 0.4]
    assert values["see.delay_ms"] == 3.0
    assert values["see.short_term.U"].tolist() == [0.1, 0.2, 0.3, 0.4]
    assert values["noise.w"] == 0.3
    np.testing.assert_allclose(graph.poisson_inputs[0].means, 50.0 * 7 / 1000)
    assert graph.population("in").spikes.between(0, 9)[0].tolist() == [2]
    assert graph.modulators[0].parameters["tau_ms"] == 40.0
    assert new.modulations[0].modulator is new.modulators["glia"]
    assert next(iter(new.modulators["gate"].opens)) is new.modulators["glia"]
    assert ern.lower(net).digest == before.digest, "the network itself has not changed"
    new.projection("more", new.populations["in"], new.populations["cells"], weight_nA=1.0)  # both can grow on
    assert "more" not in net.projections
    ern.run(new, duration_ms=5, backend="reference")


def test_a_part_that_grows_stays_its_own():
    net = small()
    new = net.with_values({})
    assert ern.lower(new).digest == ern.lower(net).digest
    with pytest.raises(ern.InvalidModel, match="is not part of this network"):
        new.probe(net.populations["cells"], "I_E_nA")


def test_what_is_drawn_together():
    """v_init follows a drawn v_rest by its very draw: it cannot stay where v_rest alone is replaced."""
    net = ern.Network()
    net.population("cells", 3, ern.LIF(v_rest_mV=ern.Uniform(-66, -64)))
    with pytest.raises(ern.InvalidModel, match="v_init_mV is drawn together with it"):
        net.with_values({"cells.v_rest_mV": -65.0})
    both = ern.lower(net.with_values({"cells.v_rest_mV": -65.0, "cells.v_init_mV": -64.0})).values
    assert (both["cells.v_rest_mV"], both["cells.v_init_mV"]) == (-65.0, -64.0)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"hiden.tau_m_ms": 1.0}, "no part of the network 'hiden'"),
        ({"cell.tau_m_ms": 1.0}, "no part of the network 'cell'; did you mean 'cells'?"),
        ({"tau_m_ms": 1.0}, "no part of the network 'tau_m_ms'"),
        ({"cells.tau_ms": 1.0}, "cells has no 'tau_ms'; did you mean 'tau_m_ms'?"),
        ({"see.weight_nA": 1.0}, "see has no 'weight_nA'; did you mean 'w'?"),
        ({"see.m": 1.0}, "see has no 'm'"),
        ({"cells.tau_m_ms": -1.0}, "cells.tau_m_ms must be > 0, got -1.0"),
        ({"cells.tau_m_ms": "3 mV"}, "cells.tau_m_ms: '3 mV' is a voltage, but a time in ms is needed"),
        ({"cells.tau_m_ms": [1.0, 2.0]}, "cells.tau_m_ms: needs one number or 4"),
        ({"see.w": np.ones(15)}, "see.w: needs one number, 16 for each synapse, or a matrix of 4 x 4; got"),
        ({"see.w": np.ones((4, 3))}, "see.w: needs one number"),
        ({"see.w": -1.0}, "see.weight_nA: weights on the excitatory receptor are >= 0"),
        ({"see.w": np.nan}, "see.w: must be finite"),
        ({"see.delay_ms": 0.1}, "see.delay_ms: the shortest delay is one step"),
        ({"in.times_ms": [[1.0]]}, "in: 4 neurons, but spike times for 1"),
        ({"in.times_ms": [[-1.0]]}, "in: SpikeTimes.times_ms"),
        ({"cells": 1.0}, "no part of the network 'cells'"),
    ],
)
def test_refusals_name_the_path(values, said):
    with pytest.raises(ern.InvalidModel) as refused:
        small().with_values(values)
    assert said in str(refused.value)


def test_it_is_saved_like_any_other(tmp_path):
    net = small(ern.FixedProbability(0.5))
    n = ern.lower(net).n_synapses
    graph = ern.lower(net.with_values({"see.w": np.linspace(1, 2, n)}))
    ern.save_graph(graph, tmp_path / "graph")
    assert ern.load_graph(tmp_path / "graph").digest == graph.digest
